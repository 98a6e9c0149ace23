"""The launcher's output: progress on stderr, results on stdout (so that `--json` is valid JSON)."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(text: str, *, end: str = "\n") -> None:
    """Print progress."""
    write(sys.stderr, text + end)


def show(text: str) -> bool:
    """Print a result: what a person or a script asked for. Return False if nobody can read it."""
    return write(sys.stdout, text + "\n")


def write(stream: TextIO, text: str) -> bool:
    """Write a text and return True; return False after the terminal is closed. Then nothing is written any more.

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
