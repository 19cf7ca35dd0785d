"""Which state of the code runs: the git checkout that this package lies in."""

import subprocess
from pathlib import Path

from suite.record import Json
from suite.shipped import CHECKOUT

_TIMEOUT = 20  # seconds


def checkout(folder: Path | None = CHECKOUT) -> dict[str, Json]:
    """`commit` of the checkout in `folder` and whether tracked files differ from it (`dirty`); empty outside git."""
    if folder is None:  # a wheel, maybe in an environment inside somebody else's checkout
        return {}
    commit = _git(folder, "rev-parse", "HEAD").strip()
    if not commit:
        return {}
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"commit": commit, "dirty": bool(changed.strip())}


def _git(folder: Path, *arguments: str) -> str:
    """Standard output of git; empty if it is missing, fails, or hangs as on a network folder that is gone."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
