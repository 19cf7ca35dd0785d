"""Files that mean harm: one clear error, exit code 2, a few seconds, little memory.

Each is read by a process of its own, which the kernel holds to its share.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from suite.cli.main import main
from suite.spec.records.vocabulary import MAX_EDITS, MAX_LAYERS
from tests.spec.made_specs import FILES

ROOT = Path(__file__).parents[2]
GIB = 2**30
SECONDS = 5  # of the processor: a busy machine takes longer, but does not make a test fail
TORCH_ADDRESSES = 6 * GIB  # what the libraries reserve; what they use is measured
ECA = "{block: eca.ECA}"


@dataclass(frozen=True)
class Ended:
    """What became of a command."""

    code: int
    said: str
    peak: int  # bytes


RUNNER = """
import resource, sys
memory, seconds = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
from suite.cli.main import main
code = main(sys.argv[3:])
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(code)
"""


def command(*words: str, folder: Path, memory: int = GIB, seconds: int = SECONDS) -> Ended:
    """Run the command line in `folder`, with that much address space and processor time and no more."""
    arguments = [sys.executable, "-c", RUNNER, str(memory), str(seconds), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        arguments, cwd=folder, env=environment, text=True, errors="replace", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    peak = re.search(r"^VmHWM:\s+(\d+) kB$", ended.stdout, re.MULTILINE)
    return Ended(ended.returncode, ended.stdout, int(peak[1]) * 1024 if peak else 0)


def alias_bomb() -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    return "\n".join(
        [*lines, *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))]
    )


def inserting(number: int, place: str = "part: backbone") -> str:
    return f"  - insert: [{', '.join([ECA] * number)}]\n    after: {{{place}}}\n"


TEXTS = {
    "an alias bomb": (alias_bomb(), "E005"),
    "an alias of itself": ("base: &a [*a]\n", "E003"),
    "ten thousand levels": ("[" * 10_000, "E005: nested deeper"),
    "ten thousand mappings": ("{a: " * 10_000, "E005: nested deeper"),
    "a python tag": ("base: !!python/object/apply:os.system [id]\n", "E003: the tag"),
    "a python name": ("base: !!python/name:os.system\n", "E003: the tag"),
    "a base elsewhere": ("base: ../../etc/passwd\n", "E204: no variant '../../etc/passwd'"),
    "an absolute base": ("base: /etc/passwd\n", "E204: no variant '/etc/passwd'"),
    "a part elsewhere": ("base: yolov5n\nneck: {of: ../../../etc/passwd}\n", "E204: no variant"),
    "itself as its base": ("base: hostile\n", "E209: the bases go in a circle"),
    "infinity": ("base: yolov5n\nwidth: .inf\n", "E004: '.inf' is not a number"),
    "not a number": ("base: yolov5n\nwidth: .nan\n", "E004: '.nan' is not a number"),
    "an endless number": (f"base: yolov5n\nwidth: {'9' * 100_000}\n", "E004: the number"),
    "a number beyond floats": (
        "base: yolov5n\nwidth: 1e999\n",
        "E004: the number '1e999' is too large",
    ),
    "a negative width": ("base: yolov5n\nwidth: -1\n", "E104"),
    "negative channels": (
        "base: yolov5n\nedits: [{set: {tag: p3}, to: {out: -8}}]\n",
        "E104: `out` is from 1",
    ),
    "a negative kernel": (
        "base: yolov5n\nedits: [{set: {block: sppf.SPPF}, to: {kernel: -5}}]\n",
        "E202",
    ),
    "gigantic channels": (
        "base: yolov5n\nedits: [{set: {tag: p3}, to: {out: 1000000000}}]\n",
        "E104: `out` is from 1",
    ),
    "gigantic repeats": (
        "base: yolov5n\nedits: [{set: {tag: p3}, to: {repeat: 1000000}}]\n",
        "E104: `repeat` is from 1",
    ),
    "many repeats": (
        "base: yolov5n\nedits: [{set: {block: c3.C3}, to: {repeat: 256}}]\n",
        r"E005: \d+ repeats of blocks",
    ),
    "equal keys": ("base: yolov5n\n" * 5_000, "E002: key 'base' is given twice"),
    "control characters": ("base: \x00yolov5n\n", "E001: not YAML"),
    "two documents": ("base: yolov5n\n---\nbase: yolov5s\n", "E001: a second document"),
    "layers that double": (
        f"base: yolov5n\nedits:\n{inserting(1) * 24}",
        f"E005.* at most {MAX_LAYERS} are allowed",
    ),
    "ten thousand layers": (
        f"base: yolov5n\nedits:\n{inserting(3_000)}",
        f"E005.* at most {MAX_LAYERS} are allowed",
    ),
    "two thousand edits": (
        "base: yolov5n\nedits:\n" + "  - {set: {part: backbone}, to: {repeat: 2}}\n" * 2_000,
        f"E005: more than {MAX_EDITS} edits",
    ),
    "a design of hours": (
        "base: yolov5n\nname: x\ndesign: factorial\nsteps:\n"
        + "".join(
            f"  - name: s{i}\n    edits: [{', '.join(['{set: {part: backbone}, to: {repeat: 2}}'] * 250)}]\n"
            for i in range(7)
        ),
        "E005: the variants of this file, written out, are too much",
    ),
    "a sweep of a million": (
        "base: yolov5n\nname: $a$b$c$d$e$f\nedits: []\naxes:\n"
        + "".join(f"  {axis}: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n" for axis in "abcdef"),
        "E005: the axes make 1000000 variants",
    ),
    "patterns that backtrack": (
        "base: yolov5n\nedits:\n"
        + f"  - {{set: {{path: '{'*a' * 1_000}'}}, to: {{repeat: 2}}}}\n" * 90,
        "E207",
    ),
    "a long word": (f"base: {'a' * 200_000}\n", "E204: no variant"),
    "a block elsewhere": (
        "base: yolov5n\nedits: [{insert: {block: ../../x.Y}, after: {tag: p3}}]\n",
        "E201: .* is no block",
    ),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_hostile_text_is_one_error_in_seconds(tmp_path: Path, what: str) -> None:
    text, complaint = TEXTS[what]
    (tmp_path / "hostile.yaml").write_text(text)

    ended = command("check", "hostile.yaml", folder=tmp_path)

    assert ended.code == 2, ended.said[-500:]
    assert "Traceback" not in ended.said
    assert re.search(complaint, ended.said), ended.said[-2000:]


def test_a_circle_of_bases_is_named(tmp_path: Path) -> None:
    for name, base in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.yaml").write_text(f"base: {base}\n")

    ended = command("check", "--variants", ".", "a", "b", "c", folder=tmp_path)

    assert ended.code == 2
    assert "the bases go in a circle or too far: " in ended.said


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("base: yolov5n\n".encode("utf-16"), "E007: is not UTF-8 text"),
        ("title: caf\u00e9\nbase: yolov5n\n".encode("latin-1"), "E007: is not UTF-8 text"),
        (b"base: yolov5n\0\n", "E001: not YAML"),
        (b"\xff\xfe\x00\x00", "E007: is not UTF-8 text"),
        (b"base: \xed\xa0\x80\n", "E007: is not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n", "E007: is not UTF-8 text"),
    ],
)
def test_another_encoding_is_one_error(tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "hostile.yaml").write_bytes(content)

    ended = command("check", "hostile.yaml", folder=tmp_path)

    assert (ended.code, complaint in ended.said) == (2, True), ended.said


@pytest.mark.parametrize(
    "kind", ["pipe", "device", "endless device", "loop", "dangling", "folder", "hundred megabytes"]
)
@pytest.mark.parametrize(
    "way", [("hostile.yaml",), ("hostile", "--variants", ".")], ids=["file", "folder"]
)
def test_what_is_no_small_regular_file_is_one_error(
    tmp_path: Path, kind: str, way: tuple[str, ...]
) -> None:
    path = tmp_path / "hostile.yaml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "hundred megabytes":
        with path.open("wb") as file:
            file.truncate(100 * 2**20)
    else:
        targets = {
            "device": "/dev/null",
            "endless device": "/dev/zero",
            "loop": "hostile.yaml",
            "dangling": "nowhere",
        }
        path.symlink_to(targets[kind])

    ended = command("check", *way, folder=tmp_path)

    assert ended.code == 2, ended.said
    assert "Traceback" not in ended.said


@pytest.mark.parametrize(
    "words", ["--variants /dev/zero", "--variants ../../etc/passwd", "../../../../etc/passwd"]
)
def test_what_is_no_folder_or_variant_is_one_error(tmp_path: Path, words: str) -> None:
    ended = command("check", *words.split(), folder=tmp_path)

    assert ended.code == 2
    assert "Traceback" not in ended.said


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.yaml",
        "\x1b[31m.yaml",
        "-rf.yaml",
        "a b.yaml",
        "%s.yaml",
        "\udcff.yaml",
        f"{'a' * 200}.yaml",
    ],
)
def test_a_hostile_file_name_is_reported_without_its_control_characters(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "variants"
    folder.mkdir()
    (folder / name).write_text("base: yolov5n\n")

    ended = command("check", "--variants", "variants", folder=tmp_path)

    assert ended.code == 2
    assert "E208" in ended.said
    assert "\x1b" not in ended.said


HUGE = {
    "parameters": "[{set: {part: [backbone, neck], block: [conv.Conv, c3.C3]}, to: {out: 16384}}, "
    "{set: {path: backbone.0}, to: {out: 64}}]",
    "a map": "[{insert: {block: upsample.Upsample, scale: 100000}, after: {tag: p3}}]",
    "a kernel": "[{insert: {block: conv.Conv, kernel: 99999}, after: {tag: p3}}]",
    "an overflow": "[{set: {block: c3.C3}, to: {expansion: 1.0e+12}}]",
    "operators": "[{replace: {part: backbone, kernel: 3}, with: {block: odconv.ODConv, kernels: 100000000}}]",
    "branches": "[{insert: {block: mobileone.MobileOne, branches: 1000000}, after: {tag: p3}}]",
}


def test_gigantic_networks_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    for number, edits in enumerate(HUGE.values()):
        (tmp_path / f"huge{number}.yaml").write_text(f"base: yolov5s\nedits: {edits}\n")
    names = [f"huge{number}" for number in range(len(HUGE))]

    # ten seconds more for torch itself
    ended = command(
        "check",
        "--build",
        "--variants",
        ".",
        *names,
        folder=tmp_path,
        memory=TORCH_ADDRESSES,
        seconds=SECONDS + 10,
    )

    assert ended.code == 2, ended.said
    assert 0 < ended.peak < GIB
    refused = [line for line in ended.said.splitlines() if re.search("error E3(10|04)", line)]
    assert [name for name in names if not any(name in line for line in refused)] == []
    assert "Traceback" not in ended.said


@pytest.mark.parametrize("words", ["cost --no-audit", "show --layers"])
def test_no_command_that_builds_takes_memory_for_a_gigantic_network(
    tmp_path: Path, words: str
) -> None:
    (tmp_path / "hostile.yaml").write_text(f"base: yolov5s\nedits: {HUGE['operators']}\n")

    ended = command(
        *words.split(),
        "hostile.yaml",
        folder=tmp_path,
        memory=TORCH_ADDRESSES,
        seconds=SECONDS + 10,
    )

    assert ended.code == 2, ended.said
    assert 0 < ended.peak < GIB
    assert "error E310" in ended.said


def test_a_gigantic_network_is_not_trained(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hostile.yaml").write_text(f"base: yolov5s\nedits: {HUGE['parameters']}\n")
    from suite.datasets.builtin.shapes import ensure

    data = str(ensure(tmp_path / "data", train=2, val=2, size=64))

    assert (
        main(
            [
                "train",
                "hostile.yaml",
                "--data",
                data,
                "--imgsz",
                "64",
                "--batch",
                "1",
                "--steps",
                "1",
            ]
        )
        == 2
    )
    assert "error E310" in capsys.readouterr().err


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.one_of(FILES, st.text(max_size=200)))
def test_no_text_whatever_makes_check_raise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    code = main(["check", str(path)])

    said = capsys.readouterr()
    assert code in {0, 2}, said.err
    assert (code == 2) == ("error E" in said.out)
