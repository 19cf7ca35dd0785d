import json
from pathlib import Path

import pytest

from suite.cli.main import main

NAMES = "letters, digits, '.', '_' and '-', then .yaml"
WRONG = "base: yolov5n\nwidht: 0.5\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a sound and a wrong variant."""
    (tmp_path / "mine.yaml").write_text("title: My own\nbase: yolov5n\nfreeze: [backbone]\n")
    (tmp_path / "wrong.yaml").write_text(WRONG)
    return tmp_path


def document(capsys: pytest.CaptureFixture[str]) -> dict:
    document: dict = json.loads(capsys.readouterr().out)
    return document


def test_list_prints_name_title_base_and_baseline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "yolov5n", "yolov5l"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "NAME\tTITLE\tBASE\tBASELINE",
        "yolov5n\tYOLOv5n\tyolov5l\t",
        "yolov5l\tYOLOv5l (v6.0 to v7.0)\t\t",
    ]


def test_list_adds_the_variants_of_a_folder_and_names_wrong_files(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "--variants", str(folder)]) == 2

    output = capsys.readouterr()
    assert "mine\tMy own\tyolov5n\tyolov5n" in output.out
    assert (
        f"{folder / 'wrong.yaml'}:2:1: error E102: unknown key 'widht'; did you mean 'width'?"
        in output.err
    )


def test_the_folder_may_be_named_by_the_environment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLATION_VARIANTS", str(folder))

    assert main(["list", "mine"]) == 0
    assert "My own" in capsys.readouterr().out


def test_list_as_json_is_one_document(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["list", "mine", "--json", "--variants", str(folder)])

    found = document(capsys)
    assert found["command"] == "list"
    assert [(v["name"], v["baseline"], v["control"]) for v in found["data"]] == [
        ("mine", "yolov5n", "")
    ]
    assert found["errors"] == []


def test_list_of_a_glob_that_fits_nothing_is_exit_code_4(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "z*"]) == 4
    assert capsys.readouterr().out == ""


def test_check_of_all_shipped_files_finds_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert capsys.readouterr().out.endswith(", no errors\n")


def test_check_names_every_mistake_and_points_at_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG + "depth: x\n")

    assert main(["check", str(path)]) == 2

    assert capsys.readouterr().out.splitlines() == [
        f"{path}:2:1: error E102: unknown key 'widht'; did you mean 'width'?",
        "  2 | widht: 0.5",
        "    | ^",
        f"{path}:3:8: error E101: `depth` is a number, not the word 'x'",
        "  3 | depth: x",
        "    |        ^",
        "1 file, 2 errors",
    ]


def test_check_as_json_lists_errors_with_their_places(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "mine", "wrong", "--json", "--variants", str(folder)]) == 2

    found = document(capsys)
    assert [entry["name"] for entry in found["data"]] == ["mine"]
    assert [(e["code"], e["line"], e["column"]) for e in found["errors"]] == [("E102", 2, 1)]


def test_check_build_accepts_what_the_shipped_file_promises(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--build", "yolov5n"]) == 0
    assert capsys.readouterr().out == "1 file, no errors\n"


def test_check_build_prints_the_line_to_paste_where_there_is_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "mine.yaml"

    assert main(["check", "--build", str(path)]) == 0
    # the reference's figures of yolov5n: 4.468 GFLOPs are 2.234 GMACs
    line = f"{path}: expect: {{strides: [8, 16, 32], params: 1872157, gmacs: 2.234}}"
    assert line in capsys.readouterr().out.splitlines()


def test_check_build_names_a_broken_promise(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "mine.yaml"
    path.write_text(
        "base: yolov5n\nexpect: {strides: [8, 16, 32], params: 1872158, gmacs: 2.234}\n"
    )

    assert main(["check", "--build", str(path)]) == 2
    message = (
        f"{path}:2:9: error E305: params are 1872157, but `expect` says 1872158; as built: expect: "
    )
    assert message in capsys.readouterr().out


def test_check_build_warns_of_strides_that_the_baseline_does_not_have(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["check", "--build", "yolov5s_efficientnetv2_printed"]) == 0
    warning = "warning W301: p3 has stride 16 where yolov5s has 8: backbone.6 (mbconv.MBConv) goes beyond 8; "
    assert warning in capsys.readouterr().err


def test_show_says_where_each_line_is_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "mine", "--variants", str(folder)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "# mine: based on yolov5n, differences refer to yolov5n"
    assert lines[1].split("  # ") == [f"{'title: My own':<88}", str(folder / "mine.yaml")]
    stem = "  - {block: conv.Conv, out: 16, stride: 2, kernel: 6, padding: 2}"
    assert any(line.startswith(stem) and "yolov5l.yaml:" in line for line in lines)


def test_what_show_prints_is_a_spec_of_the_same_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["show", "yolov5s"])
    (tmp_path / "again.yaml").write_text(capsys.readouterr().out)
    prints = []

    for name in ("yolov5s", str(tmp_path / "again.yaml")):
        main(["show", name, "--json"])
        prints.append(document(capsys)["data"]["fingerprint"])

    assert prints[0] == prints[1]


def test_show_of_an_unknown_name_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "yolo5s"]) == 2
    assert "no variant 'yolo5s'; did you mean 'yolov5s'?" in capsys.readouterr().err


def test_check_names_a_recipe_and_a_weights_file_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: yolov5n\nrecipe: tinny\nweights: gone.pt\nfreeze: [backbone]\n")

    assert main(["check", str(path)]) == 2

    lines = capsys.readouterr().out.splitlines()
    hint = "weights are files of this machine and never downloaded"
    assert f"{path}:3:1: error E006: no weights file {tmp_path / 'gone.pt'}; {hint}" in lines
    assert f"{path}:2:1: error E201: no recipe 'tinny'; did you mean 'tiny'?" in lines


def test_check_names_an_inherited_weights_file_where_it_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "mine.yaml").write_text("base: yolov5n\nwidth: 2\nweights: gone.pt\n")
    (folder / "mine_relu.yaml").write_text("base: mine\nactivation: relu\n")

    assert main(["check", "mine_relu", "--variants", str(folder)]) == 2
    assert f"{folder / 'mine.yaml'}:3:1: error E006: no weights file" in capsys.readouterr().out


def test_check_accepts_weights_and_recipe_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "there.pt").write_bytes(b"")
    path = tmp_path / "mine.yaml"
    path.write_text("base: yolov5n\nrecipe: tiny\nweights: there.pt\nfreeze: [backbone]\n")

    assert main(["check", str(path)]) == 0


def test_a_variant_without_its_weights_can_still_be_shown(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base: yolov5n\nweights: gone.pt\nfreeze: [backbone]\n")

    assert main(["show", str(path)]) == 0


def test_check_of_a_folder_checks_every_file_in_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    below = folder / "below"
    below.mkdir()
    (below / "mine_relu.yaml").write_text("base: mine\nactivation: relu\n")
    (below / "odd.yml").write_text("base: mine\n")

    assert main(["check", str(folder)]) == 2

    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "error" in line] == [
        f"{folder / 'wrong.yaml'}:2:1: error E102: unknown key 'widht'; did you mean 'width'?",
        f"{below / 'odd.yml'}:1:1: error E208: 'odd.yml' cannot name a variant; {NAMES}",
        "4 files, 2 errors",
    ]


def test_check_takes_folders_and_names_together(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wrong.yaml").unlink()

    assert main(["check", str(folder), "yolov5n", "--json"]) == 0
    assert [entry["name"] for entry in document(capsys)["data"]] == ["yolov5n", "mine"]


def test_check_of_a_folder_without_variants_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert f"error E210: no variant files in {tmp_path}" in capsys.readouterr().out


def test_a_variant_goes_before_a_folder_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "yolov5n").mkdir()

    assert main(["check", "yolov5n"]) == 0
    assert capsys.readouterr().out == "1 file, no errors\n"
