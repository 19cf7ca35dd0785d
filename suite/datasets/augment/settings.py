"""The settings of training augmentation, apart from what carries them out: reading a recipe needs no image library."""

from dataclasses import dataclass, field
from typing import Any


def bounded(default: float, low: float, high: float) -> Any:
    """A field of a settings record with this default, whose value in a file lies between two bounds, both included."""
    return field(default=default, metadata={"low": low, "high": high})


@dataclass(frozen=True, slots=True)
class Augment:
    """How training pictures are changed; names and meanings are those of YOLOv5's recipes where it has such a setting.

    Probabilities, but for: `degrees` and `shear` (largest angles), `translate` (largest shift, in sides), `scale`
    (largest change of the size by a factor 1 ± scale), `perspective` (largest change of depth, a pixel), `hsv_`
    (largest relative changes), `copy_paste` (share of a mosaic's outlined objects), `multi_scale` (largest relative
    change of a batch's size), `randaugment` (operations a picture), its magnitude and the spread of that.
    """

    fliplr: float = bounded(0.5, 0, 1)
    flipud: float = bounded(0.0, 0, 1)
    mosaic: float = bounded(0.0, 0, 1)
    mosaic9: float = bounded(0.0, 0, 1)
    mixup: float = bounded(0.0, 0, 1)
    copy_paste: float = bounded(0.0, 0, 1)
    hsv_hue: float = bounded(0.0, 0, 1)
    hsv_saturation: float = bounded(0.0, 0, 1)
    hsv_value: float = bounded(0.0, 0, 1)
    degrees: float = bounded(0.0, 0, 180)
    translate: float = bounded(0.0, 0, 1)
    scale: float = bounded(0.0, 0, 0.999)
    shear: float = bounded(0.0, 0, 45)
    perspective: float = bounded(0.0, 0, 0.001)
    multi_scale: float = bounded(0.0, 0, 0.9)
    cutmix: float = bounded(0.0, 0, 1)
    erasing: float = bounded(0.0, 0, 1)
    randaugment: int = bounded(0, 0, 10)
    randaugment_magnitude: float = bounded(9.0, 0, 10)
    randaugment_spread: float = bounded(0.5, 0, 10)
