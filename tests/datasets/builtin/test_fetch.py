"""Downloads over bad connections, from servers that do not keep their word."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.datasets.builtin.fetch import FetchError, NoRoomError, Wanted, fetch
from tests.datasets.builtin.local_server import Manners, serving

DATA = bytes(range(256)) * 40
WANTED = Wanted("data.zip", len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def manners() -> Manners:
    return Manners({"/data.zip": DATA})


@pytest.fixture
def url(manners: Manners) -> Iterator[str]:
    with serving(manners) as address:
        yield f"{address}/data.zip"


def get(url: str, target: Path, waits: list[float] | None = None) -> bytes:
    sleep = (waits if waits is not None else []).append
    fetch(url, target, WANTED, progress=lambda *_: None, sleep=sleep)
    return target.read_bytes()


def test_a_file_comes_whole_and_leaves_nothing_beside_it(url: str, tmp_path: Path) -> None:
    assert get(url, tmp_path / "data.zip") == DATA
    assert [file.name for file in tmp_path.iterdir()] == ["data.zip"]


def test_a_connection_that_is_cut_again_and_again_is_taken_up_where_it_was(
    url, manners, tmp_path
) -> None:
    manners.cuts = [1000] * 9

    assert get(url, tmp_path / "data.zip") == DATA
    assert [wanted for _, wanted in manners.asked] == [
        "",
        *(f"bytes={1000 * n}-" for n in range(1, 10)),
    ]


def test_a_later_command_goes_on_where_an_earlier_one_stopped(url, manners, tmp_path) -> None:
    (tmp_path / "data.zip.part").write_bytes(DATA[:5000])

    assert get(url, tmp_path / "data.zip") == DATA
    assert manners.asked == [("/data.zip", "bytes=5000-")]


def test_a_file_that_is_there_is_only_verified(url, manners, tmp_path) -> None:
    (tmp_path / "data.zip").write_bytes(DATA)

    assert get(url, tmp_path / "data.zip") == DATA
    assert manners.asked == []


def test_a_server_that_ignores_ranges_sends_everything_anew(url, manners, tmp_path) -> None:
    manners.knows_ranges = False
    manners.cuts = [3000]

    assert get(url, tmp_path / "data.zip") == DATA


def test_a_file_that_changed_between_two_connections_is_not_patched_together(
    url, manners, tmp_path
) -> None:
    manners.files["/data.zip"] = bytes(len(DATA))
    manners.cuts = [3000]
    waits: list[float] = []

    def change(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 2:
            manners.files["/data.zip"], manners.tag = DATA, '"second"'

    fetch(url, tmp_path / "data.zip", WANTED, progress=lambda *_: None, sleep=change)

    assert (tmp_path / "data.zip").read_bytes() == DATA


def test_a_range_that_was_not_asked_for_is_not_taken(url, manners, tmp_path) -> None:
    manners.honest_ranges = False
    manners.cuts = [3000]

    assert get(url, tmp_path / "data.zip") == DATA


def test_wrong_bytes_are_deleted_and_told(url, manners, tmp_path) -> None:
    manners.files["/data.zip"] = bytes(len(DATA))

    with pytest.raises(
        FetchError, match=r"SHA-256 [0-9a-f]{64} is not that of data\.zip, .*; the file was deleted"
    ):
        get(url, tmp_path / "data.zip")

    assert list(tmp_path.glob("*.zip*")) == []


def test_a_part_that_is_too_long_is_thrown_away(url, tmp_path) -> None:
    (tmp_path / "data.zip.part").write_bytes(DATA + b"more")

    assert get(url, tmp_path / "data.zip") == DATA


@pytest.mark.parametrize("size", [100, 20_000])
def test_a_file_of_another_size_is_refused_before_it_is_downloaded(
    url, manners, tmp_path, size
) -> None:
    manners.files["/data.zip"] = bytes(size)

    with pytest.raises(FetchError, match=rf"has {size:,} bytes, not the 10,240 of data\.zip"):
        get(url, tmp_path / "data.zip")


def test_a_server_that_is_busy_is_asked_again_after_longer_and_longer_waits(
    url, manners, tmp_path
) -> None:
    manners.codes = [503, 429, 500]
    waits: list[float] = []

    assert get(url, tmp_path / "data.zip", waits) == DATA
    assert waits == [0, 1, 5, 15]


def test_a_server_that_never_answers_is_given_up(tmp_path) -> None:
    manners = Manners()
    with serving(manners) as address:
        pass

    with pytest.raises(
        FetchError, match=r"no connection .*, 6 times in a row; the same command goes on at 0 bytes"
    ):
        get(f"{address}/data.zip", tmp_path / "data.zip")


def test_a_missing_file_is_told_at_once(url, manners, tmp_path) -> None:
    with pytest.raises(FetchError, match="the server answers 404 Not Found; is the address right"):
        get(url.replace("data", "other"), tmp_path / "data.zip")

    assert len(manners.asked) == 1


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/data.zip", "data.zip"])
def test_other_ways_than_http_are_refused(tmp_path, url) -> None:
    with pytest.raises(FetchError, match="only http and https"):
        get(url, tmp_path / "data.zip")


def test_a_full_disk_keeps_what_has_come(url, manners, tmp_path, monkeypatch) -> None:
    class Full:
        """A file on a disk with room for nothing."""

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    part = tmp_path / "data.zip.part"
    part.write_bytes(DATA[:4000])
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, mode="r", *a, **k: Full() if "a" in mode else opened(self, mode)
    )

    with pytest.raises(
        NoRoomError, match=r"the disk is full, 6,240 bytes are still to come; what is there is kept"
    ):
        get(url, tmp_path / "data.zip")

    assert part.read_bytes() == DATA[:4000]
