"""Downloads one large file: goes on where it broke off, and keeps nothing whose checksum is wrong."""

import errno
import hashlib
import http.client
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from suite.files import put_in_place

_CHUNK = 2**20
_TIMEOUT = 60.0  # seconds without a byte
_TRIES = 6  # in a row that bring nothing
_WAITS = (0, 1, 5, 15, 30, 60)  # seconds before each of them
_PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))

Progress = Callable[[str, int, int], None]  # what is being done, bytes behind, bytes in all


class FetchError(RuntimeError):
    """A file that cannot be had; the message says what is to be done."""


class NoRoomError(FetchError):
    """The disk is too small."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file by its content: its name, its size in bytes, its SHA-256."""

    name: str
    size: int
    sha256: str


def fetch(
    url: str,
    target: Path,
    wanted: Wanted,
    *,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Download `url` to `target`; a part of it that is there already is not downloaded again.

    Until it is whole and its checksum right, the file is called `target`.part.

    Raises:
        FetchError: the server does not have it, has another file, or cannot be reached any more.
        NoRoomError: the disk is full; what has come is kept.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise FetchError(f"{url}: only http and https are spoken here")
    if target.is_file() and target.stat().st_size == wanted.size:
        _verify(target, wanted, url, progress)
        return
    part = target.with_name(target.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    fruitless = 0
    while (have := _size(part)) != wanted.size:
        if have > wanted.size:
            part.unlink()
            continue
        sleep(_WAITS[fruitless])
        trouble = _go_on(url, part, have, wanted, progress)
        fruitless = 0 if _size(part) > have else fruitless + 1
        if trouble and fruitless >= _TRIES:
            raise FetchError(
                f"{url}: {trouble}, {_TRIES} times in a row; the same command goes on at {have:,} bytes"
            )
    _verify(part, wanted, url, progress)
    put_in_place(part, target)
    _tag(part).unlink(missing_ok=True)


def _go_on(url: str, part: Path, have: int, wanted: Wanted, progress: Progress) -> str:
    """One connection; what ended it before all was there."""
    headers = {"User-Agent": "yolov5-ablation-suite", "Accept-Encoding": "identity"}
    tag = _tag(part)
    if have:
        headers["Range"] = f"bytes={have}-"
        if tag.is_file():
            # another file by now comes whole, not as the rest of this one
            headers["If-Range"] = tag.read_text()
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (the scheme was checked)
    try:
        with closing(urllib.request.urlopen(request, timeout=_TIMEOUT)) as answer:  # noqa: S310
            return _receive(answer, part, have, wanted, progress)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink(missing_ok=True)
            return "the server has no such range"
        if error.code in _PASSING:
            return f"the server answers {error.code} {error.reason}"
        raise FetchError(
            f"{url}: the server answers {error.code} {error.reason}; is the address right?"
        ) from error
    except (
        urllib.error.URLError,
        TimeoutError,
        ConnectionError,
        ssl.SSLError,
        http.client.HTTPException,
    ) as error:
        return f"no connection ({getattr(error, 'reason', None) or error or type(error).__name__})"


def _receive(answer: Any, part: Path, have: int, wanted: Wanted, progress: Progress) -> str:
    start, total = 0, answer.headers.get("Content-Length", "")
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        sent = answer.headers.get("Content-Range", "").removeprefix("bytes ")
        if not sent.startswith(f"{have}-"):
            part.unlink(missing_ok=True)
            return f"the server sends the range {sent!r}, which was not asked for"
        start, total = have, sent.rpartition("/")[2]
    if total.isdecimal() and int(total) != wanted.size:
        raise FetchError(
            f"{answer.url}: has {int(total):,} bytes, not the {wanted.size:,} of {wanted.name}"
        )
    tag = answer.headers.get("ETag", "")
    if tag and not tag.startswith("W/"):
        _tag(part).write_text(tag)
    else:
        _tag(part).unlink(missing_ok=True)
    return _store(answer, part, start, wanted, progress)


def _store(answer: Any, part: Path, start: int, wanted: Wanted, progress: Progress) -> str:
    done = start
    with part.open("ab" if start else "wb") as file:
        while done < wanted.size:
            chunk = answer.read(min(_CHUNK, wanted.size - done))
            if not chunk:
                return "the connection was cut"
            try:
                file.write(chunk)
            except OSError as error:
                raise no_room(part, error, wanted.size - done) from error
            done += len(chunk)
            progress("download", done, wanted.size)
    return ""


def _verify(file: Path, wanted: Wanted, url: str, progress: Progress) -> None:
    total = hashlib.sha256()
    done = 0
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            total.update(chunk)
            done += len(chunk)
            progress("verify", done, wanted.size)
    if total.hexdigest() != wanted.sha256:
        file.unlink()
        _tag(file).unlink(missing_ok=True)
        raise FetchError(
            f"{url}: SHA-256 {total.hexdigest()} is not that of {wanted.name}, {wanted.sha256}; "
            "the file was deleted: it was damaged on the way, or the server has another"
        )


def no_room(file: Path, error: OSError, lacking: int) -> FetchError:
    """What a failed write means."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return NoRoomError(
            f"{file}: the disk is full, {lacking:,} bytes are still to come; what is there is kept"
        )
    return FetchError(f"{file}: cannot be written ({error.strerror or error})")


def _tag(part: Path) -> Path:
    """Where the version of a part is kept, as its server calls it."""
    return part.with_name(part.name + ".etag")


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else 0
