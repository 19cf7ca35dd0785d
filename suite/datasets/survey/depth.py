"""Pictures of more than 8 bits a channel that use few of them."""

from suite.datasets.decode import decode_picture, picture_bytes
from suite.datasets.findings import Finding
from suite.datasets.headers import header_of
from suite.datasets.pixels import BLACK, DEEP, is_nearly_black
from suite.datasets.split import BrokenPictureError, Picture, Split

_EXAMPLES = 3


def nearly_black(split: Split, part: str) -> list[Finding]:
    """A finding if there are pictures of which the network sees next to nothing, though they may be full of detail.

    10 or 12 bits in a file of 16 are such: the upper 8, which a network sees, are 0 to 3 or 0 to 15 then.
    """
    if not any(issue.kind == DEEP for issue in split.issues):
        return []
    dark = [picture.file.name for picture in split.pictures if _is_nearly_black(picture)]
    if not dark:
        return []
    return [Finding(BLACK, "warning", part, len(dark), tuple(dark[:_EXAMPLES]))]


def _is_nearly_black(picture: Picture) -> bool:
    try:
        data = picture_bytes(picture)
        header = header_of(data)
        # only these few are decoded a second time
        return header.bits > 8 and is_nearly_black(decode_picture(picture, data), header)
    except BrokenPictureError:
        return False  # a finding of its own
