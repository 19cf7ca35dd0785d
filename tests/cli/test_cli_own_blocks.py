"""Blocks in a user's own files: read without being run, run only where they may, and nothing else is touched."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from suite.cli.main import main
from tests.small_runs import protocol_text

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
BLOCK = """
from torch import nn
open({canary!r}, "a").close()

class Same(nn.Identity):
    def __init__(self, in_channels: int):
        super().__init__()
"""
SOUND = "class Same:\n    def __init__(self, in_channels):\n        pass\n"
SPEC = (
    "base: yolov5n\nblocks: [./mine.py]\nedits: [{insert: {block: mine.Same}, after: {tag: p3}}]\n"
)
PROTOCOL = protocol_text(
    data="{train: 4, val: 2, size: 64, seed: 0}", variants="[yolov5p]", seeds="[0]"
)


def from_the_page(name: str, language: str) -> str:
    """The example that the page calls by this name, word for word."""
    found = re.search(
        rf"`{re.escape(name)}`[^\n]*:\n\n```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL
    )
    assert found
    return found[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own folder in which the commands are started."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def foreign(tmp_path: Path, project: Path) -> Path:
    """A folder from elsewhere, with a spec and a block file that leaves a trace if it is run."""
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / "yolov5n_same.yaml").write_text(SPEC)
    (folder / "mine.py").write_text(BLOCK.format(canary=str(tmp_path / "canary")))
    return folder


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    return tmp_path / "canary"


def test_the_page_s_new_block_is_one_short_file_and_one_spec(project: Path, capsys) -> None:
    """The whole way of a newcomer with an idea: two files in an empty folder, checked, counted."""
    python, spec = (
        from_the_page("ripple.py", "python"),
        from_the_page("yolov5s_ripple.yaml", "yaml"),
    )
    (project / "ripple.py").write_text(python)
    (project / "yolov5s_ripple.yaml").write_text(spec)

    assert main(["check", "yolov5s_ripple.yaml"]) == 0
    assert main(["check", "--build", "yolov5s_ripple.yaml"]) == 0

    out, err = capsys.readouterr()
    assert len(python.splitlines()) <= 60
    # 7,235,389 of YOLOv5s, and a 1x1 convolution with norm at 64, 128, 256 and 512 channels
    assert f"params: {7_235_389 + sum(c * c + 2 * c for c in (64, 128, 256, 512))}" in out
    assert "using the blocks of ripple.py, which lies in this project" in err


def test_the_page_s_block_of_several_maps_builds(project: Path, capsys) -> None:
    (project / "blend.py").write_text(from_the_page("blend.py", "python"))
    (project / "yolov5s_blend.yaml").write_text(from_the_page("yolov5s_blend.yaml", "yaml"))

    assert main(["check", "--build", "yolov5s_blend.yaml"]) == 0
    # 7,235,389 of YOLOv5s; three 1x1 convolutions to 128 channels with their norms, and three weights
    added = sum(channels * 128 + 2 * 128 for channels in (128, 256, 512)) + 3
    assert f"params: {7_235_389 + added}" in capsys.readouterr().out


@pytest.mark.slow
def test_the_page_s_new_block_is_timed_and_trained_in_child_processes(
    project: Path, capsys
) -> None:
    (project / "ripple.py").write_text(from_the_page("ripple.py", "python"))
    (project / "yolov5p_ripple.yaml").write_text(
        from_the_page("yolov5s_ripple.yaml", "yaml").replace("yolov5s", "yolov5p")
    )
    (project / "tiny.yaml").write_text(PROTOCOL)

    assert (
        main(["run", "yolov5p_ripple.yaml", "--protocol", "tiny.yaml", "--no-report", "--json"])
        == 0
    )

    found = json.loads(capsys.readouterr().out)["data"]
    # count, time and train it and its base
    assert found["jobs"] == {"done": 6, "reused": 0, "failed": 0}


def test_cbam_after_each_backbone_c3_is_one_file_of_at_most_eight_lines(
    project: Path, capsys
) -> None:
    text = PAGE.partition("```yaml\n")[2].partition("```")[0]
    (project / "yolov5s_mine.yaml").write_text(text)

    assert "cbam.CBAM" in text
    assert len(text.splitlines()) <= 8
    assert main(["check", "--build", "yolov5s_mine.yaml"]) == 0


def test_check_reads_a_foreign_block_file_and_runs_nothing(foreign: Path, canary: Path) -> None:
    assert main(["check", str(foreign / "yolov5n_same.yaml")]) == 0
    assert main(["show", str(foreign / "yolov5n_same.yaml")]) == 0
    assert not canary.exists()


@pytest.mark.parametrize(
    "command",
    ["check --build", "cost --no-audit", "show --layers", "bench", "train", "run", "nightly"],
)
def test_foreign_code_does_not_run_unless_it_is_allowed(
    foreign: Path, canary: Path, capsys, command: str
) -> None:
    code = main([*command.split(), str(foreign / "yolov5n_same.yaml")])

    said = "".join(capsys.readouterr())
    assert code == 2
    assert re.search(
        r"yolov5n_same.yaml:2:10: error E212: .*mine.py is code from outside this project", said
    )
    assert "read it, then add --allow-code" in said
    assert not canary.exists()


def test_foreign_code_runs_when_it_is_allowed(foreign: Path, canary: Path, capsys) -> None:
    code = main(
        ["cost", "--no-audit", "--json", "--allow-code", str(foreign / "yolov5n_same.yaml")]
    )

    found = json.loads(capsys.readouterr().out)["data"]["variants"][0]["measurements"]
    assert code == 0
    assert canary.exists()
    # as YOLOv5n: it adds nothing
    assert next(m["value"] for m in found if m["metric"] == "params") == 1_872_157


def test_a_foreign_spec_may_not_run_a_file_of_the_project(
    foreign: Path, project: Path, canary: Path
) -> None:
    """Else a downloaded spec could choose what of a project runs."""
    (project / "mine.py").write_text((foreign / "mine.py").read_text())
    (foreign / "yolov5n_same.yaml").write_text(SPEC.replace("./mine.py", str(project / "mine.py")))

    assert main(["check", "--build", str(foreign / "yolov5n_same.yaml")]) == 2
    assert not canary.exists()


def test_a_link_in_the_project_to_foreign_code_is_foreign(
    foreign: Path, project: Path, canary: Path
) -> None:
    (project / "mine.py").symlink_to(foreign / "mine.py")
    (project / "yolov5n_same.yaml").write_text(SPEC)

    assert main(["check", "--build", "yolov5n_same.yaml"]) == 2
    assert not canary.exists()


@pytest.mark.parametrize("place", ["home", "root", "shared"])
def test_a_folder_where_foreign_files_come_to_lie_is_no_project(
    foreign: Path, canary: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "home":
        monkeypatch.setenv("HOME", str(foreign))
    elif place == "shared":
        foreign.chmod(0o777)
    monkeypatch.chdir("/" if place == "root" else foreign)

    assert main(["check", "--build", str(foreign / "yolov5n_same.yaml")]) == 2
    assert not canary.exists()


def test_a_variant_sees_the_blocks_of_its_base(project: Path, capsys) -> None:
    (project / "mine.py").write_text(BLOCK.format(canary=os.devnull))
    (project / "yolov5n_same.yaml").write_text(SPEC)
    (project / "twice.yaml").write_text(
        "base: yolov5n_same\nedits: [{insert: {block: mine.Same}, after: {tag: p4}}, "
        "{replace: {block: mine.Same, count: 2}, with: {block: eca.ECA}}]\n"
    )

    assert main(["check", "--build", "twice", "--variants", "."]) == 0


def test_another_text_of_a_block_file_is_another_network(project: Path, capsys) -> None:
    (project / "mine.py").write_text(BLOCK.format(canary=os.devnull))
    (project / "yolov5n_same.yaml").write_text(SPEC)
    prints = []

    for end in ("", "# changed\n"):
        (project / "mine.py").write_text((project / "mine.py").read_text() + end)
        main(["show", "--json", "yolov5n_same.yaml"])
        prints.append(json.loads(capsys.readouterr().out)["data"]["fingerprint"])

    assert prints[0] != prints[1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            f"import nothing_of_this_name\n{SOUND}",
            "E311: the block file fails: ModuleNotFoundError: .*mine.py:1",
        ),
        (
            f"1 / 0\n{SOUND}",
            "E311: the block file fails: ZeroDivisionError: division by zero .*mine.py:1",
        ),
        ("class Same(: pass", "E201: .*mine.py: the block file .*mine.py is not Python"),
        ("class Other: pass", "E201: mine.py has no block 'Same'; did you mean|there are: Other"),
        ("class Same:\n    pass", "E201: mine.Same is no block; the constructor of a block takes"),
        (
            "from torch import nn\nclass Same(nn.Module):\n    def __init__(self, in_channels):\n        self.x[1]\n",
            "E304: backbone.5 .mine.Same. cannot take 64 channels.*AttributeError.*mine.py:4",
        ),
    ],
)
def test_a_block_file_that_fails_is_named_with_its_line(
    project: Path, capsys, text: str, complaint: str
) -> None:
    (project / "mine.py").write_text(text)
    (project / "yolov5n_same.yaml").write_text(SPEC)

    assert main(["check", "--build", "yolov5n_same.yaml"]) == 2
    assert re.search(complaint, capsys.readouterr().out)


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("./absent.py", "E006: absent.py: cannot be read"),
        ("./mine.txt", "E208: './mine.txt' is no block file"),
        ("./two words.py", "E208: './two words.py' is no block file"),
        ("./c3.py", "E208: the suite has blocks in c3.py"),
        ("[./mine.py, ./sub/mine.py]", "E208: two block files are called mine"),
        ("{a: b}", "E101: a block file is a word"),
        ("/dev/zero.py", "E006: /dev/zero.py: cannot be read"),
        ("./pipe.py", "E006: pipe.py: is not a regular file"),
        ("./large.py", "E005: large.py: is larger than 256 KiB"),
    ],
)
def test_what_is_no_block_file_is_an_error_at_its_place(
    project: Path, capsys, value: str, complaint: str
) -> None:
    (project / "sub").mkdir()
    for place in (project, project / "sub"):
        (place / "mine.py").write_text("")
    (project / "c3.py").write_text("")
    (project / "large.py").write_bytes(b"#" * 300_000)
    os.mkfifo(project / "pipe.py")
    (project / "wrong.yaml").write_text(f"base: yolov5n\nblocks: {value}\n")

    assert main(["check", "wrong.yaml"]) == 2
    assert re.search(f"wrong.yaml:2:\\d+: error {complaint}", capsys.readouterr().out)


def deep_sources() -> Iterator[str]:
    yield (
        "class Same:\n    def __init__(self, in_channels"
        + "".join(f", a{i}" for i in range(20_000))
        + "): pass\n"
    )
    yield "class Same:\n    def __init__(self, in_channels: " + "-" * 50_000 + "1): pass\n"
    yield "x = " + "(" * 100_000
    yield "x = " + "a." * 50_000 + "b\n"
    yield "class Same(Other): pass\nclass Other(Same): pass\n"
    yield "class Same:\n\x00"


@pytest.mark.parametrize("source", list(deep_sources()), ids=range(6))
def test_no_text_of_a_block_file_makes_check_raise(project: Path, capsys, source: str) -> None:
    (project / "mine.py").write_text(source)
    (project / "yolov5n_same.yaml").write_text(SPEC)

    assert main(["check", "yolov5n_same.yaml"]) in {0, 2}
    assert "internal error" not in capsys.readouterr().err
