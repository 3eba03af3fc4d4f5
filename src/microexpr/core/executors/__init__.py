"""Executors, which run independent jobs; one file per executor."""

from .base import (
    EXECUTORS,
    SINGLE_THREAD_ENV,
    Done,
    Executor,
    Failed,
    Function,
    Outcome,
    SharedFunction,
    Work,
    attempt,
    executor,
)

__all__ = [
    "EXECUTORS",
    "SINGLE_THREAD_ENV",
    "Done",
    "Executor",
    "Failed",
    "Function",
    "Outcome",
    "SharedFunction",
    "Work",
    "attempt",
    "executor",
]
