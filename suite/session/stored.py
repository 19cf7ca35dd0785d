"""What is in a store: whether there is one, and the id of a run."""

from pathlib import Path

from suite.session.errors import NothingStoredError
from suite.store import Store, StoreError


def require_store(store: Path) -> None:
    """Raise NothingStoredError where there is no such file."""
    if not store.exists():
        raise NothingStoredError(f"{store}: there is no store; `run` makes one")


def find_run(store: Path, run_id: str) -> str:
    """The id of a run of the store, "latest" for the last one.

    Raises:
        NothingStoredError: there is no store, or no such run in it.
        StoreError: the store cannot be read.
    """
    require_store(store)
    with Store.open_readonly(store) as opened:
        try:
            return opened.run(run_id).id
        except StoreError as error:
            raise NothingStoredError(str(error)) from error
