"""The settings of training augmentation, apart from what carries them out: reading a recipe needs no image library."""

from dataclasses import dataclass
from typing import Any

from suite.yaml.rules import setting


def bounded(default: float, low: float, high: float, note: str) -> Any:
    """A setting between two bounds, both included; a whole number in a file stays one, as runs keep it."""
    return setting(default, note, low=low, high=high, as_written=True)


@dataclass(frozen=True, slots=True)
class Augment:
    """How training pictures are changed; names and meanings are YOLOv5's where its recipes have such a setting."""

    fliplr: float = bounded(0.5, 0, 1, "probability of a picture mirrored left to right")
    flipud: float = bounded(0.0, 0, 1, "probability of a picture mirrored top to bottom")
    mosaic: float = bounded(
        0.0, 0, 1,
        "probability of four pictures that meet in a random point. There is no last phase without "
        "them, as in YOLOv5",
    )  # fmt: skip
    mosaic9: float = bounded(
        0.0, 0, 1,
        "share of the mosaics that are of nine pictures. YOLOv5 has such mosaics in its code and "
        "never draws them, so 0 in all of its recipes",
    )  # fmt: skip
    mixup: float = bounded(
        0.0, 0, 1,
        "share of the mosaics that a second mosaic shines through, by a weight of Beta(32, 32)",
    )  # fmt: skip
    copy_paste: float = bounded(
        0.0, 0, 1,
        "share of a mosaic's objects that are pasted a second time, mirrored, where they hide less "
        "than 30 % of every box. Objects are cut out along their polygons, of COCO or YOLO txt; "
        "where a data set has boxes only, nothing is pasted, as in YOLOv5",
    )  # fmt: skip
    hsv_hue: float = bounded(0.0, 0, 1, "largest relative change of the hue")
    hsv_saturation: float = bounded(0.0, 0, 1, "largest relative change of the saturation")
    hsv_value: float = bounded(0.0, 0, 1, "largest relative change of the value")
    degrees: float = bounded(0.0, 0, 180, "largest angle that a picture is turned by, either way")
    translate: float = bounded(0.0, 0, 1, "largest shift, in sides of the picture")
    scale: float = bounded(0.0, 0, 0.999, "a picture's size is multiplied by up to 1 ± this")
    shear: float = bounded(0.0, 0, 45, "largest angle by which either axis leans")
    perspective: float = bounded(
        0.0, 0, 0.001,
        "largest change of depth a pixel. YOLOv5 lets the horizon cross a mosaic, behind which "
        "boxes have no place; here the corners keep a tenth of the depth",
    )  # fmt: skip
    multi_scale: float = bounded(
        0.0, 0, 0.9,
        "each batch is seen at another size, up to 1 ± this of the protocol's, a multiple of the "
        "largest stride and of 32; YOLOv5's `--multi-scale` is 0.5. Variants with other largest "
        "strides see other sizes, and so do they with `rect`; a budget in FLOPs counts the "
        "protocol's size",
    )  # fmt: skip
    cutmix: float = bounded(
        0.0, 0, 1,
        "probability of a rectangle that shows another picture; boxes are cut to what is seen of "
        "them (arXiv 1905.04899, which mixes labels by area)",
    )  # fmt: skip
    erasing: float = bounded(
        0.0, 0, 1, "probability of a rectangle of noise, 2 to 33 % of the picture (arXiv 1708.04896)"
    )  # fmt: skip
    randaugment: int = bounded(
        0, 0, 10,
        "operations a picture, out of fifteen, each carried out half of the time (arXiv 1909.13719)",
    )  # fmt: skip
    randaugment_magnitude: float = bounded(9.0, 0, 10, "how far they go")
    randaugment_spread: float = bounded(0.5, 0, 10, "standard deviation of the magnitude")
