"""Print the launcher's output: progress on stderr, results on stdout (so that `--json` is valid JSON)."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def open_missing_streams() -> None:
    """Open /dev/null for each standard stream that is closed, as it may be for a program that a supervisor starts.

    Python has None for such a stream, so that the first question would end a stop. Its number would also be that of the
    next file or connection.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


def say(text: str, *, end: str = "\n") -> None:
    """Print progress."""
    write(sys.stderr, text + end)


def show(text: str) -> bool:
    """Print the result for a person or a script. Return False if nobody can read it."""
    return write(sys.stdout, text + "\n")


def write(stream: TextIO, text: str) -> bool:
    """Write a text, and return True. After the terminal is closed, write nothing any more, and return False.

    A closed terminal (EIO, EPIPE) must not cut an ordered stop short, nor Python's last flush spoil the exit code.
    """
    try:
        stream.write(text)
        stream.flush()
        return True
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
