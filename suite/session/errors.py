"""What keeps a session from beginning."""

from suite.store import StoreError


class SessionError(ValueError):
    """What was asked for cannot be done as it stands, whatever the files hold; nothing has run."""


class NothingStoredError(StoreError):
    """There is no store, or no such run in it."""
