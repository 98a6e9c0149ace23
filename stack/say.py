"""What the launcher tells a person: progress on stderr, results on stdout (so that `--json` stays clean)."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def say(text: str, *, end: str = "\n") -> None:
    """Progress."""
    write(sys.stderr, text + end)


def show(text: str) -> None:
    """A result: what a person or a script asked for."""
    write(sys.stdout, text + "\n")


def write(stream: TextIO, text: str) -> None:
    """A closed terminal (EIO, EPIPE) must not cut an ordered stop short, nor Python's last flush spoil the exit code:
    what is written from then on goes nowhere."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
