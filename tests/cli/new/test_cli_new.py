"""`new` writes files that a newcomer would have written, and none that `check --build` would complain of."""

import json
from pathlib import Path

import pytest

from suite.cli.main import main
from suite.cli.new.command import HELP
from suite.spec.library import VARIANTS, Library

CBAM = ("--insert", "cbam.CBAM", "--after", "c3.C3,backbone")


@pytest.fixture
def make(tmp_path: Path):
    """Run `new yolov5n_mine` with options; the lines of the file that it writes, without those for editors."""

    def run(*options: str, name: str = "yolov5n_mine", base: str = "yolov5n") -> list[str]:
        start = ("--base", base) if base else ()
        assert main(["new", name, *start, *options, "--output", str(tmp_path), "--force"]) == 0
        return (tmp_path / f"{name}.yaml").read_text().splitlines()[1:]

    return run


def refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, *options: str, name: str = "yolov5n_mine"
) -> str:
    """What `new` says when it refuses; nothing is written."""
    assert main(["new", name, *options, "--output", str(tmp_path / "new")]) == 2
    assert not (tmp_path / "new").exists()
    output = capsys.readouterr()
    assert output.out == ""
    return output.err


def test_cbam_after_each_c3_of_the_backbone_is_a_file_of_eight_lines(make, tmp_path: Path) -> None:
    lines = make(*CBAM, name="yolov5s_mine", base="")

    assert (
        lines
        == [
            "title: YOLOv5s with cbam.CBAM after c3.C3 of the backbone",
            "paper: arXiv 1807.06521",
            "base: yolov5s",
            "edits:",
            "  - insert: {block: cbam.CBAM}",
            "    after: {part: backbone, block: c3.C3, count: 4}",
            "expect: {strides: [8, 16, 32], params: 7280321, gmacs: 8.22}",  # as variants/attention/yolov5s_cbam.yaml
        ]
    )
    assert len((tmp_path / "yolov5s_mine.yaml").read_text().splitlines()) == 8


@pytest.mark.parametrize(
    "example", [line.strip() for line in HELP.splitlines() if line.startswith("    new ")]
)
def test_every_example_of_the_help_works(tmp_path: Path, example: str) -> None:
    assert main([*example.split(), "--output", str(tmp_path)]) == 0


@pytest.mark.parametrize(
    "options",
    [
        CBAM,
        ("--replace", "kernel=3,neck", "--with", "odconv.ODConv,kernels=2"),
        ("--backbone", "yolov5s_mobilenetv2"),
        ("--set", "sppf.SPPF", "--to", "kernel=7", "--remove", "c3.C3,tag=p3"),
        ("--like", "yolov5s_relu"),
    ],
)
def test_what_it_writes_passes_check_build(make, tmp_path: Path, options: tuple[str, ...]) -> None:
    make(*options)

    assert main(["check", "--build", str(tmp_path / "yolov5n_mine.yaml")]) == 0


def test_the_first_line_names_the_schema_relative_to_the_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "yolov5n_mine.yaml"
    main(["new", "yolov5n_mine", "--base", "yolov5n", *CBAM, "--output", str(path.parent)])

    first = path.read_text().splitlines()[0]
    schema = path.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.resolve() == VARIANTS.parent / "schema" / "variant.schema.json"


def test_a_replacement_counts_the_convolutions_that_it_fits(make) -> None:
    lines = make(
        "--replace", "kernel=3,c3.C3,backbone", "--with", "odconv.ODConv,kernels=4,reduction=0.25"
    )

    # YOLOv5n's C3 have 1, 2, 3 and 1 bottlenecks, each with one 3x3
    assert "  - replace: {part: backbone, block: c3.C3, kernel: 3, count: 7}" in lines
    assert "    with: {block: odconv.ODConv, kernels: 4, reduction: 0.25}" in lines


def test_a_condition_given_twice_means_either(make) -> None:
    lines = make("--set", "c3.C3,tag=n3,tag=n4", "--to", "repeat=2")

    assert "  - set: {tag: [n3, n4], block: c3.C3, count: 2}" in lines


def test_several_edits_are_counted_one_after_the_other(make) -> None:
    lines = make(
        "--insert",
        "eca.ECA",
        "--after",
        "c3.C3,backbone",
        "--replace",
        "c3.C3,stage=16",
        "--with",
        "c2f.C2f",
    )

    assert "  - replace: {stage: 16, block: c3.C3, count: 3}" in lines
    # the one of stage 16 is gone
    assert "    after: {part: backbone, block: c3.C3, count: 3}" in lines


def test_another_variants_backbone_is_borrowed(make) -> None:
    assert "backbone: {of: yolov5s_mobilenetv2}" in make("--backbone", "yolov5s_mobilenetv2")


def test_a_block_as_backbone_takes_the_place_of_each_c3(make) -> None:
    lines = make("--backbone", "c2f.C2f,expansion=0.25")

    assert "  - {block: c2f.C2f, out: 64, repeat: 2, tag: p3, expansion: 0.25}" in lines
    assert not [line for line in lines if "c3.C3" in line]


def test_a_timm_backbone_gets_its_tags_by_stride(make) -> None:
    lines = make("--backbone", "timm.Backbone,name=resnet18")

    assert lines[2:5] == [
        "backbone:",
        "  - {block: timm.Backbone, tags: {p2: 1, p3: 2, p4: 3}, name: resnet18}",
        "  - {block: sppf.SPPF, out: 256, tag: p5}",
    ]


OWN = """
from suite.nn.blocks.conv import Conv


class Mine(Conv):
    def __init__(self, in_channels: int, out_channels: int, *, make=None, kernel: int = 1) -> None:
        super().__init__(in_channels, out_channels, make=make, kernel=kernel)
"""


def test_a_block_may_come_from_a_file_of_ones_own(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)

    lines = make("--insert", "own.Mine,kernel=3", "--after", "tag=p5", "--blocks", "own.py")

    assert lines[2:6] == [
        'blocks: ["./own.py"]',
        "edits:",
        "  - insert: {block: own.Mine, kernel: 3}",
        "    after: {tag: p5, count: 1}",
    ]


def test_code_from_elsewhere_runs_only_if_it_may(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    options = ("--backbone", "own.Mine", "--blocks", "../own.py")

    assert "error E212" in refused(capsys, tmp_path, *options)
    assert 'blocks: ["./own.py"]' in make(*options, "--allow-code")


def test_a_copy_keeps_the_file_but_for_title_and_promise(make) -> None:
    source = Path(VARIANTS / "attention" / "yolov5s_cbam.yaml").read_text().splitlines()

    lines = make("--like", "yolov5s_cbam", base="")

    assert lines[0] == "title: Like yolov5s_cbam"
    assert [line for line in source[2:] if not line.startswith("expect")] == lines[1:-1]


def test_a_copy_may_stand_on_another_base(make, tmp_path: Path) -> None:
    lines = make("--like", "yolov5s_cbam", "--title", "CBAM in n")

    assert lines[0] == "title: CBAM in n"
    assert Library(extra=tmp_path / "yolov5n_mine.yaml").load("yolov5n_mine").baseline == "yolov5n"


def test_the_title_tells_strides_unlike_the_bases(make) -> None:
    lines = make("--backbone", "yolov5s_efficientnetv2_printed")

    assert "(strides 16, 32, 64)" in lines[0]


def test_title_and_paper_may_be_stated(make) -> None:
    lines = make(*CBAM, "--title", "Mine: first", "--paper", "none yet")

    assert lines[:2] == ['title: "Mine: first"', "paper: none yet"]


def test_the_path_goes_to_stdout_and_what_to_type_next_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["new", "yolov5n_mine", "--base", "yolov5n", *CBAM, "--output", str(tmp_path)])

    output = capsys.readouterr()
    assert output.out == f"{tmp_path / 'yolov5n_mine.yaml'}\n"
    assert f"check --build {tmp_path / 'yolov5n_mine.yaml'}" in output.err


def test_a_file_in_a_folder_of_variants_is_called_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ("--variants", str(tmp_path))
    main(
        [
            "new",
            "yolov5n_mine",
            "--base",
            "yolov5n",
            *CBAM,
            "--output",
            str(tmp_path),
            *folder,
            "--json",
        ]
    )

    data = json.loads(capsys.readouterr().out)["data"]
    assert data["next"][0].endswith(f"show yolov5n_mine --variants {tmp_path}")
    assert data["expect"]["strides"] == [8, 16, 32]
    assert data["text"] == (tmp_path / "yolov5n_mine.yaml").read_text()


def test_a_file_is_overwritten_by_force_only(
    make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(*CBAM)
    before = (tmp_path / "yolov5n_mine.yaml").read_text()

    assert main(["new", "yolov5n_mine", *CBAM, "--output", str(tmp_path)]) == 2
    assert "is there already; --force overwrites it" in capsys.readouterr().err
    assert (tmp_path / "yolov5n_mine.yaml").read_text() == before
    assert make("--remove", "sppf.SPPF") != before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--insert", "cbam.CBM", *CBAM[2:]),
            "error E201: cbam.py has no block 'CBM'; did you mean 'CBAM'?",
        ),
        ((*CBAM[:2], "--after", "c3.C33"), "c3.py has no block 'C33'; did you mean 'C3'?"),
        ((*CBAM[:2], "--after", "stage=7"), "none has `stage: 7`"),
        (("--insert", "cbam.CBAM,size=3", *CBAM[2:]), "cbam.CBAM has no option 'size'"),
        (("--insert", "cbam", *CBAM[2:]), "--insert: 'cbam' is no name=value"),
        (
            ("--insert", "out=3", *CBAM[2:]),
            "--insert: 'out=3' names no block; write its address, such as cbam.CBAM",
        ),
        (
            (*CBAM[:2], "--after", "colour=3"),
            "--after: no condition 'colour'; there are: part, tag",
        ),
        (CBAM[:2], "--insert needs either --after or --before"),
        (CBAM[2:], "--insert needs either --after or --before"),
        ((*CBAM, "--before", "c3.C3"), "--insert needs either --after or --before"),
        (("--replace", "c3.C3"), "--replace and --with belong together"),
        (("--set", "sppf.SPPF", "--to", "kernel=[3"), "--to: '[3' is no value"),
        ((), "say what is new"),
        (("--like", "yolov5s_cbam", *CBAM), "--like copies a file"),
        (("--like", "yolov5s_cbm"), "no variant 'yolov5s_cbm'; did you mean"),
        (
            ("--like", "yolov5l", "--base", "yolov5s"),
            "'yolov5l' has no base that --base could take the place of",
        ),
        (("--base", "yolov5q", "--remove", "sppf.SPPF"), "no variant 'yolov5q'; did you mean"),
        (("--backbone", "yolov5q"), "no variant 'yolov5q'"),
        (
            ("--backbone", "timm.Backbone,name=resnet19"),
            "timm has no model 'resnet19'; did you mean 'resnet18'?",
        ),
        (("--backbone", "c3tr.C3TR,heads=7"), "cannot be parted into 7 heads"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], message: str
) -> None:
    assert message in refused(capsys, tmp_path, *options)


def test_a_network_that_no_image_goes_through_is_a_mistake_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = refused(capsys, tmp_path, "--replace", "kernel=6", "--with", "involution.Involution")

    assert "error E304" in message
    assert "backbone.0" in message


@pytest.mark.parametrize("name", ["yolov5s", "YOLOv5s_CBAM"])
def test_a_name_that_is_taken_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert "already, and names are unique" in refused(capsys, tmp_path, *CBAM, name=name)


@pytest.mark.parametrize("name", ["../up", "a/b", "", "ä"])
def test_a_name_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert "cannot name a variant" in refused(capsys, tmp_path, *CBAM, name=name)
