"""A comment in drawn pictures, by which a later call knows that it may write over them."""

from pathlib import Path

_COMMENT = b"drawn by ablation detect"
_SEGMENT = b"\xff\xfe" + (len(_COMMENT) + 2).to_bytes(2, "big") + _COMMENT
_LENGTH = slice(4, 6)  # where a JPEG has its first segment's length, which counts itself
_BEFORE_LENGTH = 4  # bytes


def marked(jpeg: bytes) -> bytes:
    """The file with the comment behind its first segment, as JFIF wants its own to be the first."""
    end = _BEFORE_LENGTH + int.from_bytes(jpeg[_LENGTH], "big")
    return jpeg[:end] + _SEGMENT + jpeg[end:]


def is_drawn(file: Path) -> bool:
    """Whether the file, which may be any, is one that `marked` made."""
    if not file.is_file():
        return False
    with file.open("rb") as stream:
        stream.seek(_BEFORE_LENGTH)
        stream.seek(_BEFORE_LENGTH + int.from_bytes(stream.read(2), "big"))
        return stream.read(len(_SEGMENT)) == _SEGMENT
