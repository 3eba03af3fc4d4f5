"""Entry point of the command line: an error that the user can resolve is printed as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from ..core.errors import MicroexprError, disk_message, one_line
from .app import app

INTERRUPTED = 130
"""Exit code after Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code: 0 for success, 1 for a failure or issues found, 2 for wrong use.

    Args:
        arguments: Arguments of the command line; those of the process if left out.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given, prog_name="microexpr", standalone_mode=False)
    except BrokenPipeError:  # `microexpr report RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        if "--debug" in given:
            raise
        typer.echo(_usage_message(error) or f"microexpr: {_error_message(error)}", err=True)
        code = getattr(error, "exit_code", 1)
    if code == INTERRUPTED:
        typer.echo("microexpr: interrupted; the same command continues from here", err=True)
    sys.exit(code or 0)


def _usage_message(error: Exception) -> str:
    """The message of a parser's error, or the help if no command was given; "" for any other error."""
    if not hasattr(error, "format_message"):
        return ""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return message
    command = context.command_path if context else "microexpr"
    return f"microexpr: {one_line(message).rstrip('.')}; `{command} --help` shows what it takes"


def _error_message(error: Exception) -> str:
    """An error as one line, without control characters that a file name may contain."""
    text = str(error)
    if isinstance(error, OSError) and not isinstance(error, MicroexprError):
        text = disk_message(error)
    elif not isinstance(error, MicroexprError):
        text = f"{type(error).__name__}: {error}; this should not happen, `microexpr --debug ...` shows where it did"
    return one_line(text)
