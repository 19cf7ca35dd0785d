import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.builtin.scenes import SHAPES, draw_scene
from suite.datasets.builtin.shapes import ensure
from suite.datasets.formats.forms import read_split
from suite.datasets.random import RandomStream
from suite.datasets.split import DataError
from tests.narrowing import present

# A determinism pin: computed by this code once. It says that the bytes do not depend on the machine, the operating
# system or the versions of NumPy and zlib, not that they are right.
SMALL_SET_SHA256 = "f252aa39ea870d4c3609ffd0bf062e29c993930a4e7bd62db07bdbb9a27e39d1"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def sha256_of(folder: Path) -> str:
    total = hashlib.sha256()
    for name, data in files_of(folder).items():
        total.update(name.encode() + data)
    return total.hexdigest()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure(tmp_path_factory.mktemp("shapes") / "set", seed=0, train=6, val=3)


def test_the_small_set_has_the_pinned_bytes(small: Path) -> None:
    assert sha256_of(small) == SMALL_SET_SHA256


def test_making_the_set_again_gives_equal_bytes(small: Path, tmp_path: Path) -> None:
    again = ensure(tmp_path / "again", seed=0, train=6, val=3)

    assert files_of(again) == files_of(small)


def test_a_larger_set_begins_with_the_smaller_one(small: Path, tmp_path: Path) -> None:
    larger = ensure(tmp_path / "larger", seed=0, train=8, val=4)

    pictures = {name: data for name, data in files_of(small).items() if name.endswith(".png")}
    assert pictures.items() <= files_of(larger).items()


def test_another_seed_gives_other_scenes(small: Path, tmp_path: Path) -> None:
    other = ensure(tmp_path / "other", seed=1, train=1, val=1)

    assert (other / "images/train/000001.png").read_bytes() != (
        small / "images/train/000001.png"
    ).read_bytes()


def test_train_and_val_share_no_picture(small: Path) -> None:
    pictures = [data for name, data in files_of(small).items() if name.endswith(".png")]

    assert len(set(pictures)) == 9


def test_a_set_that_is_there_is_left_alone(small: Path) -> None:
    before = (small / "instances_val.json").stat().st_mtime_ns

    ensure(small, seed=0, train=6, val=3)

    assert (small / "instances_val.json").stat().st_mtime_ns == before


def test_a_set_made_with_other_numbers_is_refused(small: Path) -> None:
    with pytest.raises(DataError, match=r"made with .*train 6.* but .*train 7"):
        ensure(small, seed=0, train=7, val=3)


def test_a_folder_with_other_content_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")

    with pytest.raises(DataError, match="holds something else"):
        ensure(tmp_path, train=1, val=1)

    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_a_set_broken_off_while_written_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        ensure(tmp_path / "set", train=1, val=1)

    assert list(tmp_path.iterdir()) == []


def test_the_set_reads_as_coco(small: Path) -> None:
    train, val = read_split(small, "train"), read_split(small, "val")

    assert [category.name for category in train.categories] == list(SHAPES)
    assert (len(train.pictures), len(val.pictures)) == (6, 3)
    assert train.issues == val.issues == ()


@pytest.mark.parametrize("seed", range(20))
def test_boxes_and_areas_lie_within_the_scene(seed: int) -> None:
    scene = draw_scene(RandomStream(seed), 128)

    for thing in scene.things:
        x, y, width, height = thing.box
        assert 0 <= x < x + width <= 128
        assert 0 <= y < y + height <= 128
        assert 0 < thing.area <= width * height


def test_the_png_holds_the_scene(small: Path) -> None:
    scene = draw_scene(RandomStream(0, 0, 0), 128)

    image = present(cv2.imread(str(small / "images/train/000001.png")))

    assert np.array_equal(image[..., ::-1], scene.palette[scene.indices])


def test_pictures_larger_than_one_stored_block_decode(tmp_path: Path) -> None:
    folder = ensure(tmp_path / "large", train=1, val=1, size=320)

    image = present(cv2.imread(str(folder / "images/train/000001.png")))

    assert image.shape == (320, 320, 3)


def test_scenes_are_dense(tmp_path: Path) -> None:
    """Dense scenes are what makes 600 steps enough: about as many objects in a picture as COCO has (7.3)."""
    split = read_split(ensure(tmp_path / "set", train=1, val=40), "val")

    assert 5 < split.box_count / 40 < 10


def test_the_annotation_file_says_how_it_was_made(small: Path) -> None:
    about = json.loads((small / "instances_train.json").read_text())["info"]

    assert (about["seed"], about["train"], about["val"], about["size"]) == (0, 6, 3, 128)
