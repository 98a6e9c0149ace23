"""Migrate the database of a stack, and show how far it is: the first start applies dozens of migrations."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from stack import ROOT
from stack.processes import run_to_end
from stack.say import say

APPLIED = re.compile(r"Applying (\S+?)\.{3} OK")
"""Django's line about a migration that was applied."""
NAMED_IN_LOG = 20


class Progress:
    """Count the migrations that were applied, on one line of a terminal, or now and then in a log."""

    def __init__(self) -> None:
        self.count = 0

    def read(self, line: str) -> None:
        """Read a line of Django's output."""
        applied = APPLIED.search(line)
        if applied is None:
            return
        if not self.count:
            say("Migrating the database.")
        self.count += 1
        if sys.stderr.isatty():
            say(f"\r  {self.count} {applied[1]:<60}", end="")
        elif self.count % NAMED_IN_LOG == 0:
            say(f"  {self.count} {applied[1]}")

    def end(self) -> None:
        """End the line of the terminal."""
        if self.count and sys.stderr.isatty():
            say("")


def migrate(environment: Mapping[str, str]) -> None:
    """Migrate the database, and print progress if there is anything to do. Raises StackError."""
    progress = Progress()
    try:
        run_to_end(
            [sys.executable, str(ROOT / "manage.py"), "migrate", "--no-color"],
            environment=environment,
            on_line=progress.read,
        )
    finally:
        progress.end()
