"""How a data set that cannot be used ends a command."""

from collections.abc import Iterator
from contextlib import contextmanager

from suite.cli.output import ExitCode, Refusal


@contextmanager
def refusing_data() -> Iterator[None]:
    """Wrong files end the command with exit code 2; no data, or nothing of it that can be used, with 4."""
    from suite.datasets.split import BrokenPictureError, DataError, MissingDataError

    try:
        yield
    except (MissingDataError, BrokenPictureError) as error:
        raise Refusal(ExitCode.NOTHING, str(error)) from error
    except DataError as error:
        raise Refusal(ExitCode.USAGE, str(error)) from error
