"""The command `./sluice test [pytest arguments]` runs the tests with embedded engines (stack/pytest_plugin.py)."""

from __future__ import annotations

import os
import sys

from stack import ROOT


def main(arguments: list[str]) -> int:
    """Become pytest, so that signals reach it directly."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *arguments])
