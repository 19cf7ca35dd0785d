"""Where jobs run. An executor keeps every job in a process of its own and turns whatever happens into an event."""

from suite.executors.contract import (
    Event,
    Executor,
    ExecutorError,
    Finished,
    Progressed,
    Started,
    Task,
)

__all__ = ["Event", "Executor", "ExecutorError", "Finished", "Progressed", "Started", "Task"]
