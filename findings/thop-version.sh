#!/usr/bin/env bash
# thop 0.1.1.post2209072238: the installed package states another spelling of its version than the index and pip do.
#
# Input: the package as installed; its version asked of `importlib.metadata` and of `pip freeze`.
# Seen: `importlib.metadata.version("thop")` is "0.1.1-2209072238", `pip freeze` prints "thop==0.1.1.post2209072238". The two
# are one version by PEP 440 (an implicit post release), but no equal texts, so that a lock file that is compared word by
# word calls thop changed on every machine. `packaging.version.Version` takes them for equal.
#
# Exit code: 0 as seen; 1 if the behaviour is another one.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check packaging==26.4
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check --no-deps thop==0.1.1.post2209072238

cd "$folder"
frozen="$("$folder/venv/bin/pip" freeze --disable-pip-version-check 2>/dev/null | grep '^thop==' | cut -d= -f3)"
FROZEN="$frozen" "$folder/venv/bin/python" - <<'PYTHON'
import os
import sys
from importlib import metadata

from packaging.version import Version

stated, frozen = metadata.version("thop"), os.environ["FROZEN"]
print(f"importlib.metadata: {stated}; pip freeze: {frozen}; one version: {Version(stated) == Version(frozen)}")
sys.exit(0 if (stated, frozen) == ("0.1.1-2209072238", "0.1.1.post2209072238") else 1)
PYTHON
