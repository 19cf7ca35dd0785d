"""Archives that mean well, and such as do not."""

import stat
import zipfile
from pathlib import Path

import pytest

from suite.datasets.builtin.fetch import FetchError
from suite.datasets.builtin.unpack import Contents, unpack

Members = dict[str | zipfile.ZipInfo, bytes]
CONTENTS = Contents("val", ("val/",), 10_000)
FILES: Members = {"val/1.jpg": b"one" * 50, "val/2.jpg": b"two" * 50}


def packed(folder: Path, members: Members, *, way: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "archive.zip"
    with zipfile.ZipFile(path, "w", way) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def unpacked(archive: Path, contents: Contents = CONTENTS) -> int:
    return unpack(archive, archive.parent / "out", contents, progress=lambda *_: None)


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_the_files_are_unpacked_into_their_folders(tmp_path: Path) -> None:
    assert unpacked(packed(tmp_path, FILES)) == 2

    assert {
        name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")
    } == FILES


def test_only_what_is_wanted_is_unpacked(tmp_path: Path) -> None:
    unpacked(
        packed(tmp_path, {**FILES, "val/notes.txt": b""}),
        Contents("val", ("val/1", "val/2"), 10_000),
    )

    assert names(tmp_path / "out") == ["val/1.jpg", "val/2.jpg"]


def test_unpacking_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    archive = packed(tmp_path, FILES)
    unpacked(archive)
    first, second = (tmp_path / "out" / str(name) for name in FILES)
    second.unlink()
    (second.parent / ".2.jpg.part").write_bytes(b"tw")
    before = first.stat().st_mtime_ns

    assert unpacked(archive) == 2
    assert (first.stat().st_mtime_ns, names(tmp_path / "out")) == (before, list(FILES))


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"../evil.txt": b""}, r"the member '\.\./evil\.txt' leaves the folder"),
        ({"val/../../evil.txt": b""}, "leaves the folder"),
        ({"/etc/evil.txt": b""}, "leaves the folder"),
        ({"val\\..\\evil.txt": b""}, "leaves the folder"),
        ({"C:/evil.txt": b""}, "leaves the folder"),
        ({"other/1.jpg": b""}, r"is not in val/"),
        ({link("val/link"): b"/etc"}, "is a link or a device"),
        ({"val/A.jpg": b"1", "val/a.jpg": b"2"}, "holds a file twice"),
        ({"val/3.jpg": bytes(20_000)}, "would unpack to 20,300 bytes, more than 10,000"),
    ],
    ids=[
        "dots",
        "dots inside",
        "absolute",
        "backslashes",
        "drive",
        "elsewhere",
        "link",
        "twice",
        "bomb",
    ],
)
def test_a_hostile_archive_is_refused_before_anything_is_written(
    tmp_path: Path, members, said: str
) -> None:
    with pytest.raises(FetchError, match=said):
        unpacked(packed(tmp_path, {**FILES, **members}, way=zipfile.ZIP_DEFLATED))

    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "evil.txt").exists()


def test_an_archive_that_lies_about_its_size_cannot_write_more(tmp_path: Path) -> None:
    """100,000 zeros that the directory calls 100: no more than these are read, and the checksum is wrong."""
    archive = packed(tmp_path, {"val/1.jpg": bytes(100_000)}, way=zipfile.ZIP_DEFLATED)
    data = archive.read_bytes()
    archive.write_bytes(data.replace((100_000).to_bytes(4, "little"), (100).to_bytes(4, "little")))

    with pytest.raises(FetchError, match="is no whole zip file"):
        unpacked(archive)

    assert names(tmp_path / "out") == []


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_a_truncated_archive_is_told(tmp_path: Path, keep: float) -> None:
    archive = packed(tmp_path, FILES)
    data = archive.read_bytes()
    archive.write_bytes(data[: int(len(data) * keep)])

    with pytest.raises(
        FetchError, match=r"archive\.zip: is no whole zip file .*; delete it, and the same command"
    ):
        unpacked(archive)


def test_a_damaged_file_in_it_is_told_and_not_kept(tmp_path: Path) -> None:
    archive = packed(tmp_path, FILES)
    archive.write_bytes(archive.read_bytes().replace(b"twotwo", b"twoTWO", 1))

    with pytest.raises(FetchError, match=r"is no whole zip file .*CRC"):
        unpacked(archive)

    assert names(tmp_path / "out") == ["val/1.jpg"]
