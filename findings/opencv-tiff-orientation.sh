#!/usr/bin/env bash
# OpenCV 5.0.0: of a TIFF that has to be turned by a quarter, `imread` gives nothing while `imdecode` reads the same bytes;
# and a TIFF is turned where the caller asks that no picture be.
#
# Input: a grey TIFF of 20 x 12 pixels, written by Pillow with each of the orientations 1 to 8.
# Seen: `imread(path)` is None for the orientations 5 to 8, with an error on stderr that an internal check did not hold;
# `imdecode` of the file's bytes gives 12 x 20 pixels for them. With IMREAD_IGNORE_ORIENTATION `imdecode` turns all the
# same: a JPEG with that note stays as it is stored, a TIFF does not.
#
# Exit code: 0 as seen; 1 if the behaviour is another one.
set -euo pipefail

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --quiet --disable-pip-version-check \
    opencv-python-headless==5.0.0.93 numpy==2.4.6 pillow==12.3.0

cd "$folder"
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys

import cv2
import numpy
from PIL import Image

ORIENTATION = 274
WIDTH, HEIGHT = 20, 12
kept = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
seen = {}
for kind in ("tiff", "jpeg"):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        path = f"{orientation}.{kind}"
        Image.fromarray(numpy.full((HEIGHT, WIDTH), 90, numpy.uint8)).save(path, exif=exif)
        data = numpy.fromfile(path, numpy.uint8)
        images = (cv2.imread(path), cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.imdecode(data, kept))
        seen[kind, orientation] = [None if image is None else image.shape[1::-1] for image in images]
        print(path, "imread, imdecode, imdecode as stored:", *seen[kind, orientation])
as_stored, turned = (WIDTH, HEIGHT), (HEIGHT, WIDTH)
expected = {}
for orientation in range(1, 9):
    upright = turned if orientation > 4 else as_stored
    expected["tiff", orientation] = [None if orientation > 4 else upright, upright, upright]
    expected["jpeg", orientation] = [upright, upright, as_stored]
sys.exit(0 if seen == expected else 1)
PYTHON
