"""Ask a person at a terminal. Without one nothing is asked, and nothing is changed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TypeVar

from stack import StackError
from stack.say import say

DECLINED = 3
"""The exit code if a person said no, or could not be asked."""
Choice = TypeVar("Choice")


class Declined(StackError):
    """Raised when nothing may be done, since nobody has confirmed it."""


def is_terminal() -> bool:
    """Return whether a person can read a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, is_confirmed: bool) -> None:
    """Print a question, and return if it is answered with yes, or was confirmed before. Raises Declined."""
    say(question)
    if is_confirmed:
        return
    if not is_terminal():
        raise Declined("Nothing was changed. Add --yes to confirm it without a terminal.")
    if ask("Continue? [y/N] ").lower() not in {"y", "yes"}:
        raise Declined("Nothing was changed.")


def choose(choices: Sequence[Choice], text: str) -> Choice:
    """Return the choice of a person. Raises Declined with the list if nobody can be asked."""
    lines = "\n".join(f"  {n}. {choice}" for n, choice in enumerate(choices, start=1))
    if not is_terminal():
        raise Declined(f"{text!r} may be any of these. Repeat the command with one of the ids.\n{lines}")
    say(f"{text!r} may be any of these:\n{lines}")
    answer = ask(f"Which one? [1-{len(choices)}] ")
    if not answer.isascii() or not answer.isdigit() or not 1 <= int(answer) <= len(choices):
        raise Declined("Nothing was changed.")
    return choices[int(answer) - 1]


def ask(question: str) -> str:
    """Return a line that a person types; empty at the end of the input."""
    say(question, end="")
    return sys.stdin.readline().strip()
