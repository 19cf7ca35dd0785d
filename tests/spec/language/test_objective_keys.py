from collections.abc import Callable
from pathlib import Path

import pytest

from suite.spec.blocks.signatures import Signatures
from suite.spec.library import Library
from suite.spec.records.objective import Assigner, Loss, Suppression
from suite.spec.records.variant import Schedule
from suite.spec.views.write import write
from suite.yaml.errors import SpecError

Make = Callable[..., Library]
GRIDS = "base: base\nanchors: [[3, 4], [5, 6]]"


def problems(made: Library, name: str = "child") -> str:
    with pytest.raises(SpecError) as caught:
        made.load(name)
    return str(caught.value)


def test_a_loss_states_its_parts(library: Make) -> None:
    made = library(child="base: base\nloss: {box: siou, class: varifocal, gamma: 1.5}")

    assert made.load("child").loss == Loss(box="siou", classes="varifocal", gamma=1.5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nms: diou", Suppression(kind="diou")),
        ("nms: {agnostic: true}", Suppression(agnostic=True)),
        ("nms: {kind: soft, sigma: 0.3}", Suppression(kind="soft", sigma=0.3)),
        ("nms: {iou: 0.65}", Suppression(iou=0.65)),
    ],
)
def test_a_suppression_is_a_word_or_a_mapping(
    library: Make, text: str, expected: Suppression
) -> None:
    assert library(child=f"base: base\n{text}").load("child").nms == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("simota", Assigner("simota")),
        ("{name: simota, radius: 3, candidates: 5}", Assigner("simota", 3, 5)),
    ],
)
def test_an_assigner_is_a_word_or_a_mapping(library: Make, text: str, expected: Assigner) -> None:
    made = library(
        child=f"base: base\nhead: [{{block: grid.Free, inputs: [n3, t4]}}]\nassigner: {text}"
    )

    assert made.load("child").assigner == expected


@pytest.mark.parametrize("key", ["loss: {box: siou}", "nms: soft", "nms: {agnostic: true}"])
def test_what_a_network_aims_at_is_inherited_and_changes_its_fingerprint(
    library: Make, key: str
) -> None:
    made = library(child=f"base: base\n{key}", thin="base: child\nwidth: 0.5")

    child, thin = made.load("child"), made.load("thin")
    assert child.fingerprint != made.load("base").fingerprint
    assert child.baseline == "base"
    assert (thin.loss, thin.nms) == (child.loss, child.nms)


@pytest.mark.parametrize(
    "key",
    [
        "loss: {box: ciou, class: bce}",
        "nms: hard",
        "nms: {kind: hard, agnostic: false}",
        "assigner: yolov5",
    ],
)
def test_yolov5s_own_written_out_is_the_same_network(library: Make, key: str) -> None:
    made = library(child=f"base: base\n{key}")

    assert made.load("child").fingerprint == made.load("base").fingerprint
    assert made.load("base").architecture.keys() == {"layers", "conv_edits", "schedules", "freeze"}


def test_a_loss_replaces_the_bases_whole(library: Make) -> None:
    made = library(child="base: base\nloss: {box: siou}", grand="base: child\nloss: {class: focal}")

    assert made.load("grand").loss == Loss(classes="focal")


def test_a_variant_written_down_keeps_what_it_aims_at(
    tmp_path: Path, library: Make, signatures: Signatures
) -> None:
    head = "head: [{block: grid.Free, inputs: [n3, t4]}]\nassigner: {name: simota, radius: 3}"
    aims = "loss: {box: nwd, constant: 10}\nnms: {kind: diou, iou: 0.5, agnostic: true}"
    made = library(child=f"base: base\n{head}\n{aims}")
    child = made.load("child")

    (tmp_path / "again.yaml").write_text(write(child))

    assert (
        Library((tmp_path,), signatures=signatures).load("again").architecture == child.architecture
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("loss: {box: syou}", "`box` cannot be 'syou'; did you mean 'siou'"),
        ("loss: {boxes: siou}", "unknown key 'boxes'; did you mean 'box'"),
        ("loss: siou", "`loss` is a mapping, not the word 'siou'"),
        ("loss: {gamma: 2}", "`gamma` is of focal or varifocal, which is not named here"),
        ("loss: {box: siou, constant: 12}", "`constant` is of nwd, which is not named here"),
        ("loss: {class: focal, alpha: 2}", "`alpha` is from 0 to 1, not 2"),
        ("nms: wbf", "`kind` cannot be 'wbf'"),
        (
            "nms: {kind: soft, iou: 0.5}",
            "`iou` is of hard, diou or soft_linear, which is not named here",
        ),
        ("nms: {sigma: 0.5}", "`sigma` is of soft, which is not named here"),
        ("nms: {agnostic: 1}", "`agnostic` is true or false, not 1"),
        ("assigner: simoto", "`name` cannot be 'simoto'; did you mean 'simota'"),
        ("assigner: {radius: 2}", "`radius` is of simota, which is not named here"),
    ],
)
def test_a_mistake_is_named(library: Make, text: str, message: str) -> None:
    found = problems(library(child=f"base: base\n{text}"))

    assert message in found
    assert "child.yaml:2:" in found


def test_a_head_serves_the_assigners_that_it_lists(library: Make) -> None:
    found = problems(library(child="base: base\nassigner: simota"))

    assert (
        "child.yaml:2:1: error E105: grid.Grid does not serve the assigner simota; `assigner` is one of: yolov5"
        in found
    )


def test_a_head_that_needs_another_assigner_says_so(library: Make) -> None:
    found = problems(library(child="base: base\nhead: [{block: grid.Free, inputs: [n3, t4]}]"))

    assert (
        "error E105: grid.Free does not serve the assigner yolov5; `assigner` is one of: simota"
        in found
    )


def test_anchors_are_written_into_the_heads_line(library: Make) -> None:
    made = library(child=GRIDS, thin="base: child\nwidth: 0.5")

    assert made.load("child").layers[-1].options == {"anchors": [[3, 4], [5, 6]]}
    assert made.load("thin").layers[-1].options == {"anchors": [[3, 4], [5, 6]]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("anchors: [[3, 4]]", "`anchors` has 1 lists, but the head reads 2 maps; one list a map"),
        ("anchors: [[3, 4, 5], [3, 4, 5]]", "`anchors` are lists of equal length"),
        ("anchors: [[3, 4], [3, 4, 5, 6]]", "`anchors` are lists of equal length"),
        ("anchors: [[3, 0], [3, 4]]", "a side of an anchor is above 0, not 0"),
        ("anchors: 3", "`anchors` is a list, not 3"),
        ("anchors: [3, 4]", "the anchors of a level is a list, not 3"),
        (
            "anchors: [[3, 4], [5, 6]]\nassigner: simota\nhead: [{block: grid.Free, inputs: [n3, t4]}]",
            "grid.Free has no anchors",
        ),
    ],
)
def test_anchors_fit_the_head(library: Make, text: str, message: str) -> None:
    assert message in problems(library(child=f"base: base\n{text}"))


def test_a_schedule_across_blocks_needs_no_share_of_the_run(library: Make) -> None:
    made = library(
        child="base: base\nschedules: [{block: stage.Stage, set: depth, from: 0, to: 1, across: blocks}]"
    )

    child = made.load("child")
    assert child.schedules == (Schedule("stage.Stage", "depth", 0, 1, 0, "blocks"),)
    assert child.architecture["schedules"] == [["stage.Stage", "depth", 0, 1, 0, "blocks"]]


def test_a_schedule_across_blocks_is_written_down(
    tmp_path: Path, library: Make, signatures: Signatures
) -> None:
    lines = "{block: stage.Stage, set: depth, from: 0, to: 1, across: blocks, over: 0.5}"
    child = library(child=f"base: base\nschedules: [{lines}]").load("child")

    (tmp_path / "again.yaml").write_text(write(child))

    assert Library((tmp_path,), signatures=signatures).load("again").schedules == child.schedules


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{block: stage.Stage, set: depth, from: 0, to: 1}", "a schedule needs `over`"),
        (
            "{block: stage.Stage, set: depth, from: 0, to: 1, across: time}",
            "`across` cannot be 'time'",
        ),
        (
            "{block: stage.Stage, set: drop_path, from: 0, to: 0.1, over: 1}",
            "stage.Stage has no drop_path",
        ),
        (
            "{block: stage.Stage, set: drop_path, from: 0, to: 1, over: 1}",
            "`to` is from 0 to 0.99, not 1",
        ),
    ],
)
def test_a_mistake_in_a_schedule_is_named(library: Make, line: str, message: str) -> None:
    assert message in problems(library(child=f"base: base\nschedules: [{line}]"))


def test_a_recipe_is_inherited_and_part_of_the_fingerprint(library: Make) -> None:
    made = library(child="base: base\nrecipe: adamw", thin="base: child\nwidth: 0.5")

    assert made.load("thin").recipe == "adamw"
    assert made.load("child").fingerprint != made.load("base").fingerprint
    assert "recipe: adamw\n" in write(made.load("child"))
