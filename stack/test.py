"""`./sluice test [pytest arguments]`: the suite, on a PostgreSQL and Valkey of its own (stack/pytest_plugin.py)."""

from __future__ import annotations

import os
import sys

from stack import ROOT


def main(arguments: list[str]) -> int:
    """Becomes pytest, so that signals reach it directly."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
