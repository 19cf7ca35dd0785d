"""Pictures with an EXIF orientation in every kind of file, and data sets of one such picture in every form."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpg": ("JPEG", {"quality": 95}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tif": ("TIFF", {}),
}
ORIENTATION = 0x0112
# what a camera did to the picture, so that its orientation undoes it: mirrored, upside down, transposed
_UNDOING = {1: "", 2: "h", 3: "hv", 4: "v", 5: "t", 6: "tv", 7: "thv", 8: "th"}


def marked(size: tuple[int, int], box: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """A dark picture of `size` (width, height) that is white in a box (left, top, width, height)."""
    x, y, width, height = box
    image = np.full((size[1], size[0], 3), 40, np.uint8)
    image[y : y + height, x : x + width] = 255
    return image


def stored(shown: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The pixels that a file has to hold so that its orientation shows `shown`."""
    steps = {
        "h": lambda image: image[:, ::-1],
        "v": lambda image: image[::-1],
        "t": lambda image: image.transpose(1, 0, 2),
    }
    for step in _UNDOING[orientation]:
        shown = steps[step](shown)
    return np.ascontiguousarray(shown)


def write_turned(file: Path, shown: NDArray[np.uint8], orientation: int) -> None:
    """A file that holds `shown` as a camera stores it, and an orientation that turns it back."""
    form, how = KINDS[file.suffix[1:]]
    exif = Pillow.Exif()
    exif[ORIENTATION] = orientation
    target = io.BytesIO()
    Pillow.fromarray(stored(shown, orientation)).save(target, form, exif=exif, **how)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(target.getvalue())


def one_picture(
    folder: Path,
    form: str,
    name: str,
    sides: tuple[int, int] | None,
    box: tuple[float, float, float, float],
) -> Path:
    """What goes with a picture of the part val: its box (left, top, width, height), and its size as stated.

    YOLO's shares are of `sides`, and nothing is stated; VOC states a size where there are sides.
    """
    x, y, width, height = box
    if form == "COCO JSON":
        assert sides is not None
        about = {"id": 1, "file_name": name, "width": sides[0], "height": sides[1]}
        thing = {"id": 1, "image_id": 1, "category_id": 1, "bbox": list(box)}
        categories = [{"id": 1, "name": "patch"}]
        content = {"images": [about], "categories": categories, "annotations": [thing]}
        (folder / "instances_val.json").write_text(json.dumps(content))
    elif form == "Pascal VOC":
        for inner in ("ImageSets/Main", "Annotations"):
            (folder / inner).mkdir(parents=True)
        (folder / "ImageSets/Main/val.txt").write_text(f"{Path(name).stem}\n")
        size = sides and f"<size><width>{sides[0]}</width><height>{sides[1]}</height></size>"
        corners = (
            f"<xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + width}</xmax><ymax>{y + height}</ymax>"
        )
        thing_text = f"<object><name>patch</name><bndbox>{corners}</bndbox></object>"
        text = f"<annotation>{size or ''}{thing_text}</annotation>"
        (folder / f"Annotations/{Path(name).stem}.xml").write_text(text)
    else:
        assert sides is not None
        (folder / "labels/val").mkdir(parents=True)
        shares = [(x + width / 2) / sides[0], (y + height / 2) / sides[1]]
        shares += [width / sides[0], height / sides[1]]
        row = " ".join(map(repr, [0, *shares]))
        (folder / f"labels/val/{Path(name).stem}.txt").write_text(row)
        (folder / "data.yaml").write_text("train: images/val\nval: images/val\nnames: [patch]\n")
    return folder


def picture_file(folder: Path, form: str, name: str) -> Path:
    """Where the picture of `one_picture` belongs."""
    return folder / ("JPEGImages" if form == "Pascal VOC" else "images/val") / name
