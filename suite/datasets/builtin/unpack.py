"""Unpacks an archive that need not be trusted: everything is checked before anything is written."""

import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from suite.datasets.builtin.fetch import FetchError, Progress, no_room
from suite.files import put_in_place

_CHUNK = 2**20
_MOST_FILES = 200_000
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class Contents:
    """What an archive may hold: paths that begin with one of `starts` are unpacked, up to `limit` bytes in all.

    `folder` is the one top folder that all paths must be in, unpacked or not.
    """

    folder: str
    starts: tuple[str, ...]
    limit: int


def unpack(archive: Path, folder: Path, contents: Contents, *, progress: Progress) -> int:
    """Unpack into `folder`, and say how many files there are; those that are there in full size are kept.

    Raises:
        FetchError: it is no whole zip file, or holds what an archive of data has no reason to hold.
        NoRoomError: the disk is full; what is there is kept.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _members(archive, opened.infolist(), contents)
            total = sum(member.file_size for member in members)
            done = 0
            for member in members:
                _write(opened, member, folder / member.filename, lacking=total - done)
                done += member.file_size
                progress("unpack", done, total)
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise FetchError(
            f"{archive}: is no whole zip file ({error}); delete it, and the same command fetches it"
        ) from error
    return len(members)


def _members(
    archive: Path, members: list[zipfile.ZipInfo], contents: Contents
) -> list[zipfile.ZipInfo]:
    """Those to unpack, or an error if there is anything wrong with any of them."""
    if len(members) > _MOST_FILES:
        raise FetchError(
            f"{archive}: holds {len(members):,} files, more than the {_MOST_FILES:,} of any known set"
        )
    for member in members:
        if fault := _fault(member, contents.folder):
            raise FetchError(
                f"{archive}: the member {member.filename!r} {fault}; nothing was unpacked"
            )
    files = [member for member in members if not member.is_dir()]
    wanted = [member for member in files if member.filename.startswith(contents.starts)]
    if len({member.filename.lower() for member in wanted}) < len(wanted):
        raise FetchError(f"{archive}: holds a file twice; nothing was unpacked")
    total = sum(member.file_size for member in wanted)
    if total > contents.limit:
        raise FetchError(
            f"{archive}: would unpack to {total:,} bytes, more than {contents.limit:,}; nothing was unpacked"
        )
    if not wanted:
        raise FetchError(
            f"{archive}: holds nothing that begins with {' or '.join(contents.starts)}"
        )
    return wanted


def _fault(member: zipfile.ZipInfo, folder: str) -> str:
    name = member.filename
    path = PurePosixPath(name)
    kind = stat.S_IFMT(member.external_attr >> 16)
    checks: tuple[tuple[bool, str], ...] = (
        (
            path.is_absolute() or ".." in path.parts or bool(set(name) & set("\\:\0")),
            "leaves the folder",
        ),
        (path.parts[:1] != (folder,), f"is not in {folder}/"),
        (kind not in {0, stat.S_IFREG, stat.S_IFDIR}, "is a link or a device"),
        (bool(member.flag_bits & _ENCRYPTED), "is encrypted"),
    )
    return next((what for fails, what in checks if fails), "")


def _write(opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, *, lacking: int) -> None:
    """The file appears whole or not at all; reading checks its CRC."""
    if target.is_file() and target.stat().st_size == member.file_size:
        return
    # one name, so that the next try writes over what a kill left
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member) as source, part.open("wb") as file:
            _copy(source.read, file.write)
        put_in_place(part, target, durable=False)  # 118,000 of them; their size is checked again
    except OSError as error:
        part.unlink(missing_ok=True)
        raise no_room(target, error, lacking) from error
    except (zipfile.BadZipFile, EOFError):
        part.unlink(missing_ok=True)
        raise


def _copy(read: Callable[[int], bytes], write: Callable[[bytes], object]) -> None:
    while chunk := read(_CHUNK):
        write(chunk)
