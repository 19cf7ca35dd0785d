"""Which way up a picture is: one rule in every form and for every kind of file."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from suite.datasets.decode import load_image, read_image
from suite.datasets.formats.forms import read_split
from suite.datasets.formats.orientation import UNTOLD
from suite.datasets.split import Picture, Split
from tests.datasets.turned_pictures import KINDS, marked, one_picture, picture_file, write_turned

SIZE, BOX = (64, 48), (4, 6, 20, 12)
FORMS = ("COCO JSON", "Pascal VOC", "YOLO txt")
TURNED = range(2, 9)
LYING = range(5, 9)


def in_box(picture: Picture) -> tuple[bool, bool]:
    """Whether the box of a picture is white, and nothing else is."""
    image = load_image(picture)
    x, y, width, height = (int(v) for v in picture.boxes[0])
    white = image[y : y + height, x : x + width] > 200
    return bool(white.all()), bool((image > 200).sum() == white.size)


def written(
    folder: Path,
    form: str,
    *,
    kind: str = "png",
    orientation: int = 1,
    size: tuple[int, int] = SIZE,
    stated: tuple[int, int] | None = SIZE,
    box: tuple[int, int, int, int] = BOX,
) -> Split:
    """A picture that is shown with a white patch at BOX, and annotated with `box` and a size as `stated`."""
    write_turned(picture_file(folder, form, f"a1.{kind}"), marked(size, BOX), orientation)
    return read_split(one_picture(folder, form, f"a1.{kind}", stated, box), "val")


def kinds(split: Split) -> dict[str, str]:
    return {issue.kind: issue.severity for issue in split.issues}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", FORMS)
def test_a_picture_whose_size_is_stated_as_it_is_shown_is_turned(
    tmp_path: Path, form: str, kind: str, orientation: int
) -> None:
    split = written(tmp_path, form, kind=kind, orientation=orientation)

    (picture,) = split.pictures
    assert (picture.width, picture.height) == SIZE
    assert in_box(picture) == (True, True)


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_of_no_data_set_is_turned_alike(
    tmp_path: Path, kind: str, orientation: int
) -> None:
    shown = marked(SIZE, BOX)
    write_turned(tmp_path / f"a.{kind}", shown, orientation)

    image = read_image(tmp_path / f"a.{kind}")

    assert image.shape == shown.shape
    assert np.abs(image.astype(int) - shown).max() < 60  # JPEG's own loss at the edges


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("form", FORMS)
def test_a_square_picture_is_turned_as_exif_says(
    tmp_path: Path, form: str, orientation: int
) -> None:
    square = (48, 48)
    split = written(tmp_path, form, orientation=orientation, size=square, stated=square)

    assert in_box(split.pictures[0]) == (True, True)
    assert kinds(split) == {UNTOLD: "note"}


@pytest.mark.parametrize("orientation", TURNED)
def test_a_voc_sheet_without_a_size_is_of_the_picture_as_exif_turns_it(
    tmp_path: Path, orientation: int
) -> None:
    split = written(tmp_path, "Pascal VOC", orientation=orientation, stated=None)

    assert in_box(split.pictures[0]) == (True, True)


@pytest.mark.parametrize("orientation", LYING)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["COCO JSON", "Pascal VOC"])
def test_a_size_that_only_the_stored_picture_has_decides_against_exif(
    tmp_path: Path, form: str, kind: str, orientation: int
) -> None:
    """The box is where the patch lies in the pixels as the file has them."""
    plain = {5: (6, 4, 12, 20), 6: (6, 40, 12, 20), 7: (30, 40, 12, 20), 8: (30, 4, 12, 20)}
    split = written(
        tmp_path, form, kind=kind, orientation=orientation, stated=(48, 64), box=plain[orientation]
    )

    (picture,) = split.pictures
    assert (picture.width, picture.height) == (48, 64)
    assert in_box(picture) == (True, True)


@pytest.mark.parametrize("form", ["COCO JSON", "Pascal VOC"])
def test_boxes_that_fit_only_the_turned_picture_are_told_where_the_stored_size_is_stated(
    tmp_path: Path, form: str
) -> None:
    split = written(tmp_path, form, orientation=6, stated=(48, 64), box=(30, 6, 30, 12))

    found = kinds(split)
    assert (
        found["boxes fit the picture only as EXIF turns it, but its size is stated as stored"]
        == "warning"
    )


@pytest.mark.parametrize("form", ["COCO JSON", "Pascal VOC"])
def test_boxes_that_fit_only_the_stored_picture_are_told_where_the_turned_size_is_stated(
    tmp_path: Path, form: str
) -> None:
    split = written(tmp_path, form, orientation=6, box=(6, 40, 12, 20))

    found = kinds(split)
    assert found["boxes fit the picture only as it is stored, but EXIF turns it"] == "warning"


@pytest.mark.parametrize("orientation", TURNED)
def test_it_is_counted_where_neither_size_nor_boxes_tell(tmp_path: Path, orientation: int) -> None:
    """Of a picture on its side only the stored size is doubtful: nobody knows the other who does not turn it."""
    told = written(tmp_path, "COCO JSON", orientation=orientation)

    assert kinds(told) == ({} if orientation >= 5 else {UNTOLD: "note"})


@pytest.mark.parametrize("orientation", LYING)
def test_it_is_counted_where_a_stored_size_has_boxes_that_fit_either_way(
    tmp_path: Path, orientation: int
) -> None:
    split = written(tmp_path, "COCO JSON", orientation=orientation, stated=(48, 64))

    assert kinds(split) == {UNTOLD: "note"}


def test_shares_of_a_picture_never_tell_which_way_up_it_is(tmp_path: Path) -> None:
    assert kinds(written(tmp_path, "YOLO txt", orientation=6)) == {UNTOLD: "note"}


@pytest.mark.parametrize("form", FORMS)
def test_an_upright_picture_has_nothing_to_tell(tmp_path: Path, form: str) -> None:
    assert written(tmp_path, form).issues == ()


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        *(("COCO JSON", kind) for kind in (*KINDS, "bmp", "ppm", "gif")),
        *(("Pascal VOC", kind) for kind in (*KINDS, "bmp")),
    ],
)
def test_exchanged_sides_are_another_size_than_stated_and_stop_nothing(
    tmp_path: Path, form: str, kind: str
) -> None:
    """Another picture is sound: the part is read, and what is told of it is that one is left out."""
    file = picture_file(tmp_path, form, f"a1.{kind}")
    file.parent.mkdir(parents=True)
    Pillow.fromarray(marked(SIZE, BOX)).save(file)
    one_picture(tmp_path, form, file.name, (48, 64), BOX)
    sound = file.with_name("a2.png")
    write_turned(sound, marked(SIZE, BOX), 1)
    _add_sound(tmp_path, form)

    split = read_split(tmp_path, "val")

    assert kinds(split) == {"picture left out: other size than stated": "warning"}
    assert split.issues[0].examples == (f"a1.{kind} 64 x 48, not 48 x 64",)
    assert [load_image(picture).shape for picture in split.pictures] == [(48, 64, 3)]


def _add_sound(folder: Path, form: str) -> None:
    """A second picture, a2.png, with the box and the size that it has."""
    if form == "COCO JSON":
        file = folder / "instances_val.json"
        content = json.loads(file.read_text())
        content["images"].append({"id": 2, "file_name": "a2.png", "width": 64, "height": 48})
        content["annotations"].append({**content["annotations"][0], "id": 2, "image_id": 2})
        file.write_text(json.dumps(content))
        return
    (folder / "ImageSets/Main/val.txt").write_text("a1\na2\n")
    sheet = (folder / "Annotations/a1.xml").read_text()
    right = sheet.replace("<width>48<", "<width>64<").replace("<height>64<", "<height>48<")
    (folder / "Annotations/a2.xml").write_text(right)
