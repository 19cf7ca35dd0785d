"""Writes the twelve pictures by every tool: `python -m tests.datasets.writers.write_all DIR` makes `written.json`.

Not part of any test run. It wants an environment of its own, of these versions: datumaro 1.13.12, supervision 0.31.2,
globox 2.9.0, label-studio-sdk 2.1.2, labelme2coco 0.2.6, sahi 0.12.8. What they write in text is kept, with `{root}`
for DIR; of pictures only which one lies where, since tests draw them.
"""

import json
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.datasets.writers.twelve import NAMES, PICTURES, SIDES, lay, objects

PARTS = tuple(PICTURES)


def datumaro(source: Path, out: Path) -> None:
    """COCO, VOC, darknet's YOLO, and that of a data.yaml."""
    tool = import_module("datumaro")

    for form in ("coco", "voc", "yolo", "yolo_ultralytics"):
        read = tool.Dataset.import_from(str(source), "coco")
        read.export(str(out / f"datumaro-{form}"), form, save_media=True)


def supervision(source: Path, out: Path) -> None:
    """COCO, YOLO and VOC; it makes a file a part."""
    tool = import_module("supervision")

    for part in PARTS:
        read = tool.DetectionDataset.from_coco(
            str(source / f"images/{part}"), str(source / f"annotations/instances_{part}.json")
        )
        yolo, voc, coco = (out / f"supervision-{form}" for form in ("yolo", "voc", "coco"))
        read.as_yolo(
            str(yolo / f"images/{part}"), str(yolo / f"labels/{part}"), str(yolo / "data.yaml")
        )
        read.as_pascal_voc(str(voc / f"{part}/images"), str(voc / f"{part}/annotations"))
        read.as_coco(str(coco / f"images/{part}"), str(coco / f"instances_{part}.json"))


def globox(source: Path, out: Path) -> None:
    """COCO and VOC, without lists."""
    tool = import_module("globox")

    for part in PARTS:
        read = tool.AnnotationSet.from_coco(source / f"annotations/instances_{part}.json")
        coco, voc = out / "globox-coco", out / "globox-voc"
        coco.mkdir(parents=True, exist_ok=True)
        labels = {name: number for number, name in NAMES.items()}
        read.save_coco(coco / f"instances_{part}.json", label_to_id=labels, auto_ids=True)
        (voc / part / "annotations/sub").mkdir(parents=True, exist_ok=True)
        read.save_pascal_voc(voc / part / "annotations")


def label_studio(source: Path, out: Path) -> None:
    """COCO, YOLO and VOC of all pictures, whose names have no folders there."""
    tool = import_module("label_studio_sdk.converter")

    config = "".join(f'<Label value="{name}"/>' for name in NAMES.values())
    labels = f'<RectangleLabels name="label" toName="image">{config}</RectangleLabels>'
    config = f'<View><Image name="image" value="$image"/>{labels}</View>'
    upload = out / "upload"
    upload.mkdir(parents=True, exist_ok=True)
    tasks: list[dict[str, Any]] = []
    for part, names in PICTURES.items():
        for name in names:
            bare = name.rpartition("/")[2]
            shutil.copy(source / f"images/{part}/{name}.jpg", upload / f"{bare}.jpg")
            tasks.append(_task(len(tasks) + 1, f"{upload}/{bare}.jpg", objects(name)))
    (out / "tasks.json").write_text(json.dumps(tasks))
    for form in ("COCO", "YOLO", "VOC"):
        converter = tool.Converter(
            config, str(out), upload_dir=str(upload), download_resources=True
        )
        target = out / f"label_studio-{form.lower()}"
        convert: Callable[..., Any] = getattr(converter, f"convert_to_{form.lower()}")
        extra = {"output_image_dir": str(target / "images")}
        if form == "YOLO":
            extra["output_label_dir"] = str(target / "labels")
        convert(str(out / "tasks.json"), str(target), is_dir=False, **extra)
    shutil.rmtree(upload)
    (out / "tasks.json").unlink()


def _task(number: int, path: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    width, height = SIDES
    results = []
    for place, row in enumerate(rows):
        x, y, w, h = row["bbox"]
        value = {"x": 100 * x / width, "y": 100 * y / height, "width": 100 * w / width}
        value |= {"height": 100 * h / height, "rotation": 0}
        value["rectanglelabels"] = [NAMES[row["category_id"]]]
        named = {"id": f"r{number}_{place}", "type": "rectanglelabels", "from_name": "label"}
        size = {"to_name": "image", "original_width": width, "original_height": height}
        results.append({**named, **size, "image_rotation": 0, "value": value})
    return {
        "id": number,
        "data": {"image": path},
        "annotations": [{"id": number, "result": results}],
    }


def sahi(source: Path, out: Path) -> None:
    """YOLO of both parts."""
    tool = import_module("sahi.utils.coco")

    parts = [
        tool.Coco.from_coco_dict_or_path(
            str(source / f"annotations/instances_{part}.json"), str(source / f"images/{part}")
        )
        for part in PARTS
    ]
    tool.export_coco_as_yolo(str(out / "sahi-yolo"), *parts)


def labelme2coco(source: Path, out: Path) -> None:
    """COCO of labelme's own files, a part at a time."""
    tool = import_module("labelme2coco")

    for part, names in PICTURES.items():
        home = out / "lm" / part
        for name in names:
            bare = name.rpartition("/")[2]
            home.mkdir(parents=True, exist_ok=True)
            shutil.copy(source / f"images/{part}/{name}.jpg", home / f"{bare}.jpg")
            shapes = [_shape(row) for row in objects(name)]
            about: dict[str, Any] = {
                "version": "5.0.0",
                "flags": {},
                "shapes": shapes,
                "imageData": None,
            }
            about |= {"imagePath": f"{bare}.jpg", "imageWidth": SIDES[0], "imageHeight": SIDES[1]}
            (home / f"{bare}.json").write_text(json.dumps(about))
        made = out / "labelme2coco-coco"
        tool.convert(str(home), str(made))
        (made / "dataset.json").rename(made / f"{part}.json")
    shutil.rmtree(out / "lm")


def _shape(row: dict[str, Any]) -> dict[str, Any]:
    x, y, w, h = row["bbox"]
    points = [[x, y], [x + w, y + h]]
    return {
        "label": NAMES[row["category_id"]],
        "points": points,
        "shape_type": "rectangle",
        "flags": {},
    }


_TEXTS = frozenset((".txt", ".json", ".xml", ".yaml", ".yml", ".data", ".names"))
_USELESS = frozenset(("panoptic", "stuff", "image_info", "Action", "Layout", "Segmentation"))


def _kept(out: Path) -> dict[str, dict[str, dict[str, str]]]:
    """By tool and form the texts, and the names of the pictures, by their paths."""
    kept: dict[str, dict[str, dict[str, str]]] = {}
    for home in sorted(path for path in out.iterdir() if "-" in path.name):
        files = [file for file in sorted(home.rglob("*")) if file.is_file()]
        texts, pictures = {}, {}
        for file in files:
            seen = file.relative_to(home).as_posix()
            if file.suffix == ".jpg":
                pictures[seen] = f"sub/{file.stem}" if file.stem in {"t8", "v4"} else file.stem
            elif file.suffix in _TEXTS and not any(word in seen for word in _USELESS):
                texts[seen] = file.read_text().replace("\\/", "/").replace(str(out), "{root}")
        kept[home.name] = {"texts": texts, "pictures": pictures}
    return kept


def main(out: Path) -> None:
    """Write all; one that fails is said and the others go on."""
    source = lay(out / "source")
    for write in (datumaro, supervision, globox, label_studio, sahi, labelme2coco):
        try:
            write(source, out)
        except Exception as error:  # noqa: BLE001  foreign code, one of many
            sys.stderr.write(f"{write.__name__}: {type(error).__name__}: {error}\n")
    here = Path(__file__).parent / "written.json"
    here.write_text(json.dumps(_kept(out), indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
