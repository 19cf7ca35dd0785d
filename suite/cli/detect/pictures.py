"""Which pictures `detect` looks at, and that what it draws overwrites none of them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from suite.cli.detect.mark import is_drawn
from suite.cli.output import ExitCode, Refusal, say
from suite.datasets.formats.folder import PICTURES
from suite.datasets.formats.listing import files_below, is_picture


def pictures_of(arguments: Sequence[Path], out: Path) -> list[Path]:
    """The files that are named, and all pictures in the folders that are; what else lies there is counted and told.

    Args:
        arguments: files and folders; files need not exist.
        out: where drawn pictures go, which is no folder to look at.

    Raises:
        Refusal: a folder has no picture, or `out` holds one that is to be looked at, or that `detect` has not drawn.
    """
    found: list[Path] = []
    for argument in arguments:
        found += _within(argument, out) if argument.is_dir() else [argument]
    images = list(dict.fromkeys(found))
    _refuse_own_folder(images, out)
    _refuse_pictures_of_others(out)
    return images


def _within(folder: Path, out: Path) -> list[Path]:
    # drawn pictures of an earlier call may lie within
    files = list(files_below(folder, leave_out=out))
    pictures = [file for file in files if is_picture(file)]
    others = Counter(file.suffix.lower() or "no ending" for file in files if not is_picture(file))
    if not pictures:
        raise Refusal(
            ExitCode.NOTHING,
            f"{folder}: holds no picture; there should be files ending in {', '.join(sorted(PICTURES))}",
        )
    if others:
        kinds = ", ".join(f"{ending}: {count}" for ending, count in sorted(others.items()))
        say(f"{folder}: {others.total()} files passed over, no pictures by their ending ({kinds})")
    return pictures


def _refuse_own_folder(images: Sequence[Path], out: Path) -> None:
    """A drawn picture takes the name of the one that it is drawn from, and a data set's folder takes it for its own."""
    target = out.resolve()
    for image in images:
        if target in {image.parent.resolve(), image.resolve().parent}:
            raise Refusal(
                ExitCode.USAGE,
                f"--out {out}: holds {image.name}, which is to be looked at; drawn pictures need another folder",
            )


def _refuse_pictures_of_others(out: Path) -> None:
    """They would be written over, or a data set would get pictures more."""
    if not out.is_dir():
        return
    for file in sorted(out.iterdir()):
        # a link is replaced, and what it leads to stays
        if is_picture(file) and not file.is_symlink() and not is_drawn(file):
            raise Refusal(
                ExitCode.USAGE,
                f"--out {out}: holds {file.name}, which is none that `detect` has drawn; "
                "drawn pictures need another folder",
            )
