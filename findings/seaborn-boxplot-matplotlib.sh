#!/usr/bin/env bash
# seaborn 0.13.2 with matplotlib 3.11.2: `boxplot` of ordinary data warns on every call, and ends where warnings are errors.
#
# Input: `seaborn.boxplot(x=["a", "a", "b", "b"], y=[1.0, 2.0, 2.0, 3.0])`.
# Seen: a MatplotlibDeprecationWarning, as seaborn hands `vert` on to `Axes.bxp`, which matplotlib 3.11 deprecates and
# announces to remove; `violinplot`, `stripplot` and `pointplot` of the same data warn of nothing.
#
# Exit code: 0 as seen; 1 if the behaviour is another one.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check \
    seaborn==0.13.2 matplotlib==3.11.2 pandas==3.1.1 numpy==2.4.6

cd "$folder"
MPLBACKEND=agg "$folder/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import matplotlib.pyplot as plt
import seaborn

seen = {}
for name in ("boxplot", "violinplot", "stripplot", "pointplot"):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        getattr(seaborn, name)(x=["a", "a", "b", "b"], y=[1.0, 2.0, 2.0, 3.0])
    plt.close("all")
    seen[name] = sorted({f"{w.category.__name__}: {str(w.message).splitlines()[0][:90]}" for w in caught})
    print(f"{name}: {seen[name] or 'no warning'}")
expected = [name for name, told in seen.items() if any("vert" in text for text in told)]
sys.exit(0 if expected == ["boxplot"] and not any(seen[n] for n in seen if n != "boxplot") else 1)
PYTHON
