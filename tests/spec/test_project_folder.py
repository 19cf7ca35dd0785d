"""The `variants/` of the folder that a command is started in, beside the shipped ones."""

from pathlib import Path

import pytest

from suite.spec.library import VARIANTS, Library
from suite.yaml.errors import SpecError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder with an empty `variants/`, as the working folder."""
    (tmp_path / "variants").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "variants"


def refused(*folders: Path) -> str:
    with pytest.raises(SpecError) as caught:
        Library((VARIANTS, *folders))
    return str(caught.value)


def test_a_file_of_the_project_is_found_beside_the_shipped_ones(project: Path) -> None:
    (project / "mine.yaml").write_text("base: yolov5n\n")

    assert Library().load("mine").base == "yolov5n"


def test_a_library_of_other_folders_leaves_the_project_alone(project: Path, tmp_path: Path) -> None:
    (project / "mine.yaml").write_text("base: yolov5n\n")
    (tmp_path / "others").mkdir()

    assert Library((tmp_path / "others",)).names() == ()


def test_a_folder_without_variants_has_the_shipped_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = Library((VARIANTS,)).names()
    monkeypatch.chdir(tmp_path)

    assert Library().names() == shipped


def test_a_file_from_elsewhere_may_build_on_one_of_the_project(
    project: Path, tmp_path: Path
) -> None:
    (project / "mine.yaml").write_text("base: yolov5n\n")
    (tmp_path / "other.yaml").write_text("base: mine\n")

    assert Library().load(tmp_path / "other.yaml").base == "mine"


@pytest.mark.parametrize("name", ["yolov5s", "YOLOv5s"])
def test_a_shipped_name_is_an_error_that_names_both_files(project: Path, name: str) -> None:
    (project / f"{name}.yaml").write_text("base: yolov5n\n")

    message = f"variants/{name}.yaml:1:1: error E208: the name '{name}' is taken by {VARIANTS / 'yolov5s.yaml'}"
    assert message in refused()


def test_the_name_of_a_shipped_design_is_taken_too(project: Path) -> None:
    (project / "yolov5s_pile.yaml").write_text("base: yolov5n\n")

    assert (
        f"the name 'yolov5s_pile' is taken by {VARIANTS / 'designs' / 'yolov5s_pile.yaml'}"
        in refused()
    )


def test_a_variant_of_a_project_s_design_may_have_no_shipped_name(project: Path) -> None:
    step = "{name: cbam, edits: [{set: {tag: p3}, to: {repeat: 1}}]}"
    (project / "family.yaml").write_text(f"base: yolov5s\ndesign: one-at-a-time\nsteps: [{step}]\n")

    message = "error E208: the name 'yolov5s_cbam' is taken by "
    assert message + str(VARIANTS / "attention" / "yolov5s_cbam.yaml") in refused()


def test_all_names_that_are_taken_are_told_at_once(project: Path) -> None:
    for name in ("yolov5n", "yolov5s"):
        (project / f"{name}.yaml").write_text("base: yolov5m\n")

    assert refused().count("E208") == 2


def test_a_folder_that_is_named_may_stand_in_though_it_is_the_project_s(project: Path) -> None:
    (project / "yolov5s.yaml").write_text("base: yolov5n\ntitle: mine\n")

    assert Library((VARIANTS, Path("variants"))).load("yolov5s").title == "mine"


def test_a_name_of_the_project_and_of_a_named_folder_is_an_error(
    project: Path, tmp_path: Path
) -> None:
    for folder in (project, tmp_path / "others"):
        folder.mkdir(exist_ok=True)
        (folder / "mine.yaml").write_text("base: yolov5n\n")

    assert "the name 'mine' is taken by others/mine.yaml" in refused(tmp_path / "others")


def test_a_file_that_cannot_name_a_variant_is_among_the_problems(project: Path) -> None:
    (project / "a b.yaml").write_text("base: yolov5n\n")

    assert [problem.code for problem in Library().problems()] == ["E208"]
