"""What `run` and `nightly` share: a session's steps with a command's ends, and what the shell is told of them."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

from suite.cli.errors import refusing_data, refusing_stores
from suite.cli.output import ExitCode, Refusal, say
from suite.runner import Listener, Summary
from suite.session import runs
from suite.session.errors import SessionError
from suite.session.options import RunOptions
from suite.session.runs import PreparedRun

TERMINATED = 143


def prepare(options: RunOptions) -> PreparedRun:
    """Lay out the run; broken files that it goes on without are told.

    Raises:
        SpecError: the protocol, the recipe or a variant that was named has mistakes; nothing has been made then.
        Refusal: there is no data, or the recipe does not suit a run.
    """
    try:
        with refusing_data():
            return runs.prepare(options, say)
    except SessionError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error


def carry_out(prepared: PreparedRun, listen: Listener) -> Summary:
    """Do the plan; Refusal where the store is in use or cannot be read, or weights to start from cannot be used."""
    try:
        with refusing_stores():
            return runs.carry_out(prepared, listen, say)
    except SessionError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error


def sum_up(summary: Summary, prepared: PreparedRun) -> str:
    """The line that a run ends with."""
    counts = f"{summary.done} done, {summary.reused} stored before, {len(summary.failed)} failed"
    return counts + runs.left_out_words(prepared.left_out)


def exit_code(
    summary: Summary, options: RunOptions, *, strict: bool, left_out: bool = False
) -> ExitCode:
    """What a finished run tells the shell; with `strict` also that the machine was not fit for timing."""
    reason = runs.unfit_reason(options.store, summary.run_id) if strict else ""
    if reason:
        say(f"ablation: {reason}")
        return ExitCode.UNFIT
    return ExitCode.VARIANT_FAILED if summary.failed or left_out else ExitCode.DONE


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """SIGTERM ends the command like Ctrl-C does: what is done is kept, what runs is killed."""

    def end(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
        say("ablation: terminated; the same command resumes")
        raise SystemExit(TERMINATED)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
