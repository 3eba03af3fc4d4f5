"""Executors: where independent jobs run. One executor, one file."""

from .base import EXECUTORS, SINGLE_THREAD_ENV, Done, Executor, Failed, Function, Outcome, executor

__all__ = ["EXECUTORS", "SINGLE_THREAD_ENV", "Done", "Executor", "Failed", "Function", "Outcome", "executor"]
