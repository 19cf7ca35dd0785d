import subprocess
import sys

import pytest

import suite
from suite.yaml.errors import SpecError


def test_load_gives_the_resolved_variant_of_a_name() -> None:
    assert suite.load("yolov5n").base == "yolov5l"


def test_load_of_an_unknown_name_raises() -> None:
    with pytest.raises(SpecError, match="did you mean 'yolov5n'"):
        suite.load("yolo5n")


def test_load_does_not_import_torch() -> None:
    code = "import sys, suite; suite.load('yolov5n'); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_build_gives_a_detector_of_the_asked_classes() -> None:
    assert suite.build("yolov5p", classes=3).classes == 3
