import errno
import json
import os
import subprocess
import sys
import types
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import click
import pytest

from suite.cli import main as main_module
from suite.cli.main import COMMANDS, main
from suite.cli.output import ExitCode, Refusal, say, table
from suite.yaml.errors import NoMatchError, SpecError
from suite.yaml.mark import Mark

ROOT = Path(__file__).parents[2]
Fake = Callable[..., None]  # of what the command does, and options that it takes


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    """Put a command `doctor` of one's own making in the place of the suite's; logs go to a folder of the test's."""
    monkeypatch.chdir(tmp_path)

    def install(body: Callable[[], object], *options: Callable[..., object]) -> None:
        module = types.ModuleType("suite.cli.doctor")
        module.__spec__ = ModuleSpec("suite.cli.doctor", None)
        option = click.option("--json", "as_json", is_flag=True)
        function: Any = option(lambda as_json, **_: body())
        for other in options:
            function = other(function)
        command = click.command("doctor")(function)
        vars(module)["command"] = command
        monkeypatch.setitem(sys.modules, "suite.cli.doctor", module)

    return install


def raiser(error: BaseException) -> Callable[[], object]:
    def body() -> None:
        raise error

    return body


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "args", [["--help"], ["list"], ["check"], ["schema"], ["show", "yolov5s"], ["list", "--help"]]
)
def test_light_commands_do_not_import_torch(args: list[str]) -> None:
    code = (
        "import sys; from suite.cli.main import main; "
        f"c = main({args!r}); sys.exit(c or 9 * ('torch' in sys.modules))"
    )

    done = run_python(code)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS])
def test_no_command_imports_torch_to_explain_itself(name: str) -> None:
    code = (
        "import sys; from suite.cli.main import main; "
        f"main([{name!r}, '--help']); sys.exit('torch' in sys.modules)"
    )

    assert run_python(code).returncode == 0


@pytest.mark.parametrize(
    "args",
    [
        ["bench", "no_such"],
        ["build", "no_such", "--to", "torch"],
        ["calibrate", "no_such"],
        ["check", "no_such", "--build"],
        ["cost", "no_such"],
        ["cost", "no_such", "--memory"],
        ["detect", "no_such", "street.jpg", "--weights", "no_such.pt"],
        ["eval", "no_such", "--weights", "no_such.pt"],
        ["run", "no_such"],
        ["train", "no_such"],
    ],
    ids=" ".join,
)
def test_a_variant_that_is_not_there_is_told_before_torch_is_loaded(args: list[str]) -> None:
    code = (
        "import sys; from suite.cli.main import main; "
        f"c = main({args!r}); sys.exit(c + 9 * ('torch' in sys.modules))"
    )

    done = run_python(code)

    said = done.stdout + done.stderr  # problems are what `check` is asked for
    assert (done.returncode, "no variant 'no_such'" in said) == (2, True)


def test_help_does_not_import_a_command() -> None:
    code = (
        "import sys; from suite.cli.main import main; main(['--help']); "
        "print([m for m in sys.modules if 'cli.' in m])"
    )

    modules = run_python(code).stdout.splitlines()[-1]

    assert modules == "['suite.cli.output', 'suite.cli.errors', 'suite.cli.main']"


def test_help_names_all_commands_in_order_and_the_exit_codes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0

    text = capsys.readouterr().out
    places = [text.index(f"\n  {name} ") for name, _ in COMMANDS]
    assert places == sorted(places)
    assert "2  usage or spec error; nothing ran" in text


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, _ in COMMANDS:
        assert main([name, "--help"]) == 0
        assert f"Usage: ablation {name} " in capsys.readouterr().out


def test_no_commands_help_imports_torch() -> None:
    code = (
        "import sys; from suite.cli.main import COMMANDS, main; "
        "[main([name, '--help']) for name, _ in COMMANDS]; "
        "sys.exit(' '.join({'torch', 'pandas', 'cv2'} & {*sys.modules}) or 0)"
    )

    done = run_python(code)

    assert (done.returncode, done.stderr) == (0, "")


def test_version_is_that_of_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("ablation, version ")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["lst"], "no command 'lst'; did you mean 'list'?"),
        (["list", "--jsn"], "Did you mean '--json'?"),
        (["show"], "name a variant or a file"),
        (["list", "--variants", "absent"], "'absent' does not exist"),
    ],
)
def test_wrong_usage_says_what_would_be_right(
    args: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args) == ExitCode.USAGE

    output = capsys.readouterr()
    assert message in output.err
    assert output.out == ""


def test_a_command_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main_module, "COMMANDS", (("absent", "Nothing"),))

    assert main(["absent"]) == ExitCode.USAGE
    assert "the command 'absent' is not part of this version" in capsys.readouterr().err


SPEC_ERROR = SpecError.single(
    Mark("f.yaml", 3, 1), "E102", "unknown key 'x'", hint="did you mean 'y'?"
)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (SPEC_ERROR, 2, "f.yaml:3:1: error E102: unknown key 'x'; did you mean 'y'?"),
        (
            NoMatchError.single(None, "E210", "no variant fits 'x*'"),
            4,
            "error E210: no variant fits 'x*'",
        ),
        (
            Refusal(ExitCode.UNFIT, "the store is locked by 12"),
            5,
            "ablation: the store is locked by 12",
        ),
        (KeyboardInterrupt(), 130, "ablation: interrupted; the same command resumes"),
        (
            ZeroDivisionError("by zero"),
            70,
            "ablation: internal error: ZeroDivisionError: by zero; the traceback is in",
        ),
    ],
)
def test_an_error_becomes_its_exit_code_and_a_line_on_stderr(
    fake: Fake, capsys: pytest.CaptureFixture[str], error: BaseException, code: int, message: str
) -> None:
    fake(raiser(error))

    assert main(["doctor"]) == code

    output = capsys.readouterr()
    assert message in output.err
    assert "Traceback" not in output.err
    assert output.out == ""


def test_the_traceback_of_an_internal_error_is_kept(fake: Fake, tmp_path: Path) -> None:
    fake(raiser(ZeroDivisionError("by zero")))

    main(["doctor"])

    (log,) = (tmp_path / "out" / "log").iterdir()
    assert "Traceback (most recent call last)" in log.read_text()


def test_an_error_with_json_is_a_document(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake(raiser(SPEC_ERROR))

    assert main(["doctor", "--json"]) == 2

    document = json.loads(capsys.readouterr().out)
    assert (document["schema_version"], document["command"], document["data"]) == (
        1,
        "doctor",
        None,
    )
    assert [(e["code"], e["file"], e["line"], e["column"]) for e in document["errors"]] == [
        ("E102", "f.yaml", 3, 1)
    ]


@pytest.mark.parametrize(("result", "code"), [(None, 0), (1, 1), (ExitCode.WORSE, 3)])
def test_what_a_command_returns_is_the_exit_code(fake: Fake, result: object, code: int) -> None:
    fake(lambda: result)

    assert main(["doctor"]) == code


def test_progress_goes_to_stderr(fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    fake(lambda: say("step 1"))

    main(["doctor"])

    assert capsys.readouterr() == ("", "step 1\n")


def test_a_reader_that_went_away_ends_the_command_quietly() -> None:
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [sys.executable, "run_suite.py", "list"],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (141, b"")


def test_a_table_in_a_pipe_is_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    table(("NAME", "N"), [("a\tb", 1), ("c", None)])

    assert capsys.readouterr().out == "NAME\tN\na b\t1\nc\t\n"


def test_a_table_on_a_terminal_is_aligned_without_colour_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("suite.cli.output.fancy", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")

    table(("NAME", "N"), [("long name", 1), ("c", 100)])

    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["NAME         N", "long name    1", "c          100"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "what is written to: No space left on"),
        (OSError(errno.EROFS, "Read-only file system", "out"), "out: Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "out/a"), "out/a: Permission denied"),
    ],
)
def test_what_the_disk_refuses_is_no_internal_error(
    fake: Fake, capsys: pytest.CaptureFixture[str], error: OSError, said: str
) -> None:
    fake(raiser(error))

    assert main(["doctor"]) == 5
    assert capsys.readouterr().err.startswith(f"ablation: {said}")


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["--out", "mine"], "mine/log"),
        (["--out=mine"], "mine/log"),
        (["--out", "mine/w.safetensors"], "mine/log"),
        ([], "out/log"),
    ],
)
def test_the_traceback_lies_in_the_given_out(
    fake: Fake, tmp_path: Path, words: list[str], folder: str
) -> None:
    fake(raiser(ZeroDivisionError("by zero")), click.option("--out"))

    assert main(["doctor", *words]) == 70

    assert [file.name[:6] for file in (tmp_path / folder).iterdir()] == ["error-"]


def test_the_traceback_lies_in_the_out_of_the_environment(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABLATION_DOCTOR_OUT", str(tmp_path / "mine"))
    fake(raiser(ZeroDivisionError("by zero")))

    assert main(["doctor"]) == 70

    assert [file.name[:6] for file in (tmp_path / "mine/log").iterdir()] == ["error-"]


def test_a_stdout_that_finds_no_room_is_told() -> None:
    command = [sys.executable, "run_suite.py", "list"]
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)

    assert "ablation: what is written to: No space left on device" in ended.stderr
    assert "internal error" not in ended.stderr
    assert ended.returncode == 5


@pytest.mark.parametrize(
    "variables", [{"ABLATION_LIST_AS_JSON": "1"}, {"ABLATION_LIST_AS_JSON": "true"}]
)
def test_an_error_is_a_document_where_the_environment_asks_for_one(
    variables: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert main(["list", "no_such"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "E204"


def test_the_form_of_check_may_be_asked_for_by_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ABLATION_CHECK_FORM", "json")

    assert main(["check", "--no-such-option"]) == 2
    assert json.loads(capsys.readouterr().out)["errors"][0]["code"] == "exit-2"


def test_a_command_that_is_terminated_leaves_a_document_too(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(raiser(SystemExit(143)))

    assert main(["doctor", "--json"]) == 143
    assert json.loads(capsys.readouterr().out)["errors"] == [
        {"code": "exit-143", "message": "terminated"}
    ]


def test_json_behind_two_dashes_is_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""
