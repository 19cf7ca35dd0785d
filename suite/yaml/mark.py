"""Where something stands in a file that a user wrote."""

from typing import NamedTuple


class Mark(NamedTuple):
    """Where something stands in a file the user wrote; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"
