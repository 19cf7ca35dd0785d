"""XML for annotations: elements with their lines, and nothing else that XML can do.

A document type is refused, and with it every entity: one of a few lines can name files and other machines, or grow to
gigabytes.
"""

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from suite.datasets.formats.folder import read_bytes
from suite.datasets.split import DataError

# Not defusedxml: its elements do not know their lines, which every message here begins with. It refuses what this
# refuses, by the same handler of expat's.

_MOST_BYTES = 4 * 2**20
_DEEPEST = 16


@dataclass(slots=True)
class Element:
    """A tag, the line it stands on, the text directly in it, and what is nested in it."""

    tag: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def find(self, path: str) -> "Element | None":
        """The first element of that path, such as `size/width`."""
        element = self
        for tag in path.split("/"):
            matching = [child for child in element.children if child.tag == tag]
            if not matching:
                return None
            element = matching[0]
        return element


def read_xml(file: Path) -> Element:
    """The root element of a file.

    Raises:
        DataError: it cannot be read, is no XML, has a document type, or is larger or deeper than an annotation is.
    """
    return _Builder(file).build(read_bytes(file, _MOST_BYTES, "an annotation is far smaller"))


class _Builder:
    """Turns the parser's calls into elements."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._root = Element("", 0)
        self._open = [self._root]
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        self._parser = parser

    def build(self, data: bytes) -> Element:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            raise DataError(
                f"{self._file}:{error.lineno}: no XML: {expat.ErrorString(error.code)}"
            ) from error
        except DataError:
            raise
        except (ValueError, LookupError) as error:  # an encoding that Python does not have
            raise DataError(f"{self._file}:1: no XML: {error}; save it as UTF-8") from error
        return self._root.children[0]

    def _start(self, tag: str, _: dict[str, str]) -> None:
        if len(self._open) > _DEEPEST:
            raise self._error(f"nested deeper than {_DEEPEST} levels")
        element = Element(tag, self._parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text

    def _refuse(self, *_: object) -> None:
        raise self._error(
            "has a document type, which may hide entities; an annotation begins with <annotation>"
        )

    def _error(self, message: str) -> DataError:
        return DataError(f"{self._file}:{self._parser.CurrentLineNumber}: {message}")
