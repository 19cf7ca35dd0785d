"""Paths and truth values as other tools write them: a backslash is a separator to some, and a lawful sign here."""

from pathlib import PureWindowsPath

SLASHES = "path with backslashes, read as slashes"
"""What is noted of such a path."""

_MEANT = {"1": True, "true": True, "0": False, "false": False}


def spellings(text: str) -> tuple[str, ...]:
    """The paths that a text can mean: as it stands, then with its backslashes as separators."""
    return tuple(dict.fromkeys((text, text.replace("\\", "/"))))


def is_of_windows(text: str) -> bool:
    r"""Whether it is a whole path there, such as `C:\data\a.jpg`; a name with a colon, `09:27 a.jpg`, is not."""
    return PureWindowsPath(text).is_absolute()


def truth(text: str) -> bool | None:
    """What a text says of whether something is so; None where it says neither."""
    return _MEANT.get(text.strip().lower())
