"""Rows of a data set's file, whose ids an array may not be able to hold."""


class Numbered:
    """Has an `id` for arrays, and `numbered`, the file's own, where no array can hold that."""

    __slots__ = ()
    id: int
    numbered: int | None

    @property
    def own_id(self) -> int:
        """The id that the file has, which detections are written with."""
        return self.id if self.numbered is None else self.numbered
