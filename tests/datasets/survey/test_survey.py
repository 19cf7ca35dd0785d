"""What is odd about a data set, planted by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from suite.datasets.builtin.scenes import draw_scene
from suite.datasets.decode import load_image, picture_bytes
from suite.datasets.formats.forms import read_split
from suite.datasets.random import RandomStream
from suite.datasets.split import Picture
from suite.datasets.survey.counts import survey
from suite.datasets.survey.near_duplicates import (
    ImageHash,
    _Search,
    hash_image,
    look_alikes,
    same_files,
)
from suite.datasets.survey.suspects import DISPUTED, STRETCHED, TINY, TWICE, WHOLE, suspects
from tests.datasets.formats.test_forms import SHARED, needs_shared
from tests.datasets.made_pictures import made_picture, made_split


def scene(seed: int) -> np.ndarray:
    found = draw_scene(RandomStream(seed), 128)
    return found.palette[found.indices]


def prints(*images: np.ndarray) -> list:
    return [hash_image(image.tobytes(), image) for image in images]


def saved_anew(image: np.ndarray, quality: int = 60) -> np.ndarray:
    jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))


def test_a_picture_saved_anew_scaled_or_a_little_brighter_looks_the_same() -> None:
    image = scene(1)
    brighter = np.clip(image.astype(int) + 3, 0, 255).astype(np.uint8)

    assert look_alikes(prints(image, saved_anew(image))) == {1: 0}
    assert look_alikes(prints(image, cv2.resize(image, (190, 190)))) == {1: 0}
    assert look_alikes(prints(image, brighter)) == {1: 0}


def test_other_pictures_do_not_look_the_same() -> None:
    assert look_alikes(prints(*(scene(seed) for seed in range(60)))) == {}


def test_plain_surfaces_are_not_compared() -> None:
    assert (
        look_alikes(prints(np.full((9, 9, 3), 90, np.uint8), np.full((9, 9, 3), 91, np.uint8)))
        == {}
    )


def test_equal_files_are_a_group_and_no_look_alikes() -> None:
    found = prints(scene(1), scene(2), scene(1), scene(1))

    assert (same_files(found), look_alikes(found)) == ([(0, 2, 3)], {})


def test_look_alikes_are_those_that_a_comparison_of_all_with_all_finds() -> None:
    """Hashes near a few others, by flipping up to twelve bits; the limit is seven."""
    chance = np.random.default_rng(0)
    grey = chance.uniform(0, 255, (16, 16)).astype(np.float32)
    centres = [int(word) for word in chance.integers(0, 2**63, 5)]
    found = []
    for place in range(80):
        flips = chance.choice(64, chance.integers(0, 7), replace=False)
        found.append(
            ImageHash(str(place), centres[place % 5] ^ sum(1 << int(bit) for bit in flips), grey)
        )

    naive = {
        b: [a for a in range(b) if (found[a].hash ^ found[b].hash).bit_count() <= 7]
        for b in range(80)
    }
    partners = look_alikes(found)
    assert set(partners) == {b for b, earlier in naive.items() if earlier}
    assert all(a in naive[b] for b, a in partners.items())
    assert 20 < len(partners) < 80

    halves = look_alikes(found[40:], found[:40])
    assert set(halves) == {b for b in range(40) if any(a < 40 for a in naive[40 + b])}
    assert all(a in naive[40 + b] for b, a in halves.items())


def film(frames: int) -> list[ImageHash]:
    """One scene with noise; each frame is a file of its own."""
    chance = np.random.default_rng(1)
    grey = chance.uniform(0, 255, (16, 16)).astype(np.float32)
    scene = int(chance.integers(0, 2**63))
    return [
        ImageHash(str(place), scene ^ (1 << place % 64), grey + np.float32(place % 2))
        for place in range(frames)
    ]


def test_of_a_film_every_frame_but_the_first_is_told_once() -> None:
    assert set(look_alikes(film(200))) == set(range(1, 200))


def test_a_film_is_compared_in_time_that_grows_with_its_length(monkeypatch) -> None:
    """What is counted is the pictures that any picture is compared with."""
    compared = []
    alike = _Search._alike

    def counting(search: _Search, index: int, block, byte: int):
        compared.append(len(block))
        return alike(search, index, block, byte)

    monkeypatch.setattr(_Search, "_alike", counting)

    look_alikes(film(3000))

    assert sum(compared) <= 3000 * 64


def test_of_equal_files_the_first_stands_for_all_and_a_leaked_file_is_no_look_alike() -> None:
    image, noisy = scene(1), saved_anew(scene(1))
    train, val = prints(image), prints(noisy, noisy, image)

    assert look_alikes(val, train) == {0: 0, 1: 0}
    assert look_alikes(prints(image, image, noisy, noisy)) == {2: 0}


@needs_shared
def test_two_takes_of_one_field_of_blood_cells_look_the_same() -> None:
    """One is in train, the other in val; nobody says so of the set, but whoever looks at the two sees it."""
    pictures = [
        *read_split(SHARED / "bccd", "train").pictures,
        *read_split(SHARED / "bccd", "val").pictures,
    ]
    found = look_alikes(
        [hash_image(picture_bytes(picture), load_image(picture)) for picture in pictures]
    )

    names = [{pictures[place].file.name for place in pair} for pair in found.items()]
    assert names == [{"BloodImage_00037.jpg", "BloodImage_00038.jpg"}]


@pytest.mark.parametrize(
    ("boxes", "labels", "kind", "meant"),
    [
        ([[4, 4, 2, 9]], [0], TINY, (0,)),
        ([[0, 0, 64, 31]], [0], WHOLE, (0,)),
        ([[0, 4, 63, 3]], [0], STRETCHED, (0,)),
        ([[4, 4, 20, 20], [4, 4, 20, 19.5]], [1, 1], TWICE, (1,)),
        ([[4, 4, 20, 20], [4, 4, 20, 19.5]], [0, 1], DISPUTED, (1,)),
    ],
)
def test_a_suspicious_box_is_found_and_the_others_are_not(
    tmp_path: Path, boxes, labels, kind, meant
) -> None:
    whole = made_picture(tmp_path, 1, (64, 32), [*boxes, [30, 8, 9, 9]], labels=[*labels, 0])
    crowd = made_picture(tmp_path, 2, (64, 32), boxes, labels=labels, crowd=[True] * len(boxes))

    found = suspects(made_split(tmp_path, whole, crowd))

    assert {name: [(s.picture.id, s.boxes) for s in rows] for name, rows in found.items()} == {
        kind: [(1, meant)]
    }


@needs_shared
def test_the_cells_that_are_annotated_twice_are_found() -> None:
    """The set's own description says that there are a few."""
    found = suspects(read_split(SHARED / "bccd", "train"))

    assert 0 < sum(len(suspect.boxes) for suspect in found[TWICE]) < 10


def test_a_picture_that_does_not_decode_is_an_error_and_everything_else_goes_on(
    tmp_path: Path,
) -> None:
    pictures = [textured(tmp_path, seed) for seed in range(3)]
    data = pictures[1].file.read_bytes()
    pictures[1].file.write_bytes(data[:60])

    found = survey(
        made_split(tmp_path, *pictures), made_split(tmp_path, pictures[2]), pictures=True
    )

    assert found.worst() == "error"
    assert [f.examples for f in found.findings if f.severity == "error"] == [
        (
            f"{pictures[1].file}: does not decode as a picture (truncated); `data check` lists all such files",
        )
    ]
    assert [f.kind for f in found.findings if f.part == "both"] == [
        "leak from train to val: same file"
    ]
    assert len(found.parts[0].shots) == 2


def textured(folder: Path, seed: int) -> Picture:
    made = made_picture(folder, seed, (128, 128), [[8, 8, 40, 40]])
    cv2.imwrite(str(made.file), scene(seed))
    assert hash_image(picture_bytes(made), load_image(made))
    return made
