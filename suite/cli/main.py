"""The command `ablation`: finds a command's file when it is asked for, and turns every end into an exit code."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from itertools import pairwise, takewhile
from keyword import iskeyword
from pathlib import Path

import click

from suite.cli.errors import report_error
from suite.cli.output import ExitCode, Refusal, reply
from suite.record import Json
from suite.yaml.errors import suggest

PROGRAM = "ablation"
_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})  # click's
BROKEN_PIPE = 141  # what a shell reports of a program that SIGPIPE ended

COMMANDS: tuple[tuple[str, str], ...] = (
    ("run", "Build, measure, train and evaluate variants; store everything"),
    ("nightly", "Run and report in one, made for cron"),
    ("list", "List the variants that there are"),
    ("show", "Print a variant with all that it inherits"),
    ("check", "Find every mistake in spec files, without running anything"),
    ("new", "Write a variant file, checked and with its promises filled in"),
    ("import", "Turn a YOLOv5 model file into a variant"),
    ("schema", "Print the JSON Schema of spec files, for editors"),
    ("cost", "Count parameters and multiply-adds, by every counter"),
    ("bench", "Measure latency beside each variant's baseline"),
    ("calibrate", "Prove the method of timing on this machine"),
    ("train", "Train one variant and write its checkpoint"),
    ("eval", "Evaluate one variant's checkpoint on a data set"),
    ("detect", "Draw what a variant finds in pictures"),
    ("compare", "Say whether one variant is better than another, and how sure that is"),
    ("build", "Write a variant's network for ONNX, OpenVINO or torch"),
    ("report", "Write the report of a run from the store alone"),
    ("export", "Write the store's records as JSON or CSV"),
    ("data", "Check a data set, fetch COCO, or write the built-in one"),
    ("doctor", "Say what this machine has, and how to mend what is missing"),
)

EXIT_CODES = """\b
Exit codes:
    0  done
    1  finished, but a variant failed (the report is written)
    2  usage or spec error; nothing ran
    3  gate: something got worse
    4  nothing matched, or no data
    5  machine unfit, store locked, or disk full
   70  internal error; the traceback is in log/ of --out
  130  interrupted (143: terminated); the same command resumes
"""


class LazyGroup(click.Group):
    """Imports a command's module only when that command is invoked; the table above is enough for `--help`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """The names, in the order of the help."""
        return [name for name, _ in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, None if there is none of that name."""
        if cmd_name not in dict(COMMANDS):
            return None
        module = f"suite.cli.{cmd_name}{'_' if iskeyword(cmd_name) else ''}"
        spec = importlib.util.find_spec(module)
        if spec is None:
            raise Refusal(ExitCode.USAGE, f"the command {cmd_name!r} is not part of this version")
        if spec.submodule_search_locations is not None:  # a command of several files
            module += ".command"
        command: click.Command = importlib.import_module(module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the first argument names; a usage error with the nearest name otherwise."""
        if args and args[0] not in dict(COMMANDS) and not args[0].startswith("-"):
            hint = suggest(args[0], dict(COMMANDS))
            ctx.fail(f"no command {args[0]!r}; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The table, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(COMMANDS)


@click.group(
    PROGRAM,
    cls=LazyGroup,
    epilog=EXIT_CODES,
    context_settings={
        "auto_envvar_prefix": "ABLATION",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
@click.version_option(package_name="yolov5-ablation-suite", prog_name=PROGRAM)
def group() -> None:
    """Build YOLOv5 variants from spec files, measure them, train them, and say which are better.

    Options may also be set by environment variables: ABLATION_<COMMAND>_<OPTION>.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and raises nothing."""
    args = list(sys.argv[1:] if arguments is None else arguments)
    command = next((arg for arg in args if not arg.startswith("-")), "")
    try:
        code = group.main(args, PROGRAM, standalone_mode=False)
        sys.stdout.flush()  # a full disk or a closed pipe shows here at the latest
    except BrokenPipeError:
        return _hush()
    except SystemExit as end:  # how click ends on a closed pipe, and a run on SIGTERM
        return _hush() if end.code == 1 else _ended(end, command, args)
    except BaseException as error:  # noqa: BLE001  (the one place that every error of a command reaches)
        wants_json = _wants_json(args, command)
        return _report(error, command, as_json=wants_json, logs=_log_folder(args, command))
    return code if isinstance(code, int) else ExitCode.DONE


def _ended(end: SystemExit, command: str, args: Sequence[str]) -> int:
    code = int(end.code or 0)
    if code and _wants_json(args, command):
        error: dict[str, Json] = {"code": f"exit-{code}", "message": "terminated"}
        reply(command, None, [error])
    return code


def _wants_json(args: Sequence[str], command: str) -> bool:
    """Whether even a mistake on the command line is answered by a document; the environment may ask for it too."""
    options = list(takewhile(lambda word: word != "--", args))
    if (
        "--json" in options
        or "--format=json" in options
        or ("--format", "json") in pairwise(options)
    ):
        return True
    prefix = f"{PROGRAM}_{command}_".upper()
    asked = os.environ.get(f"{prefix}AS_JSON", "").lower()
    return asked in _TRUE or os.environ.get(f"{prefix}FORM") == "json"


def _log_folder(args: Sequence[str], command: str) -> Path:
    """`log` in the folder that --out names, or beside the file that it names."""
    words = [word.removeprefix("--out=") for word in args if word.startswith("--out=")]
    words += [value for word, value in pairwise(args) if word == "--out"]
    out = Path((*words, os.environ.get(f"{PROGRAM}_{command}_OUT".upper(), ""), "out")[0] or "out")
    return (out.parent if out.suffix and not out.is_dir() else out) / "log"


def _report(error: BaseException, command: str, *, as_json: bool, logs: Path) -> int:
    try:
        code = report_error(error, command, as_json=as_json, logs=logs)
        sys.stdout.flush()
    except BrokenPipeError:
        return _hush()
    return code


def _hush() -> int:
    """Nobody reads stdout any more: keep the interpreter from saying so when it closes it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE
