"""Run the tests on engines that are started for them: the command `./sluice test [--all] [pytest arguments]`.

The suite leaves out tests of certain kinds, which take minutes or need a network. With `--all` they follow it: first
the walks, which are like the tests of the suite, and then all others together. Many of these wait for programs or for
other machines, and meanwhile others run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from stack import ROOT
from stack.processes import die_with_parent
from stack.say import show

PYTEST = [sys.executable, "-m", "pytest"]
KINDS = ("large", "mta", "browser", "image")
"""The kinds of tests that the suite leaves out."""
RUNS = {
    "the suite": [],
    "walks": ["-m", "walk"],
    "all others": ["-m", f"({' or '.join(KINDS)}) and not walk"],
}
"""The options of the runs that together are all tests, by their names."""


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    if "--all" in arguments:
        return run_all([argument for argument in arguments if argument != "--all"])
    # Pytest takes the place of this process, so that signals reach it directly.
    os.execv(sys.executable, [*PYTEST, *arguments])


def run_all(arguments: list[str]) -> int:
    """Run all tests; return 1 if any of them failed."""
    failed = [name for name, options in RUNS.items() if not has_passed(name, [*options, *arguments])]
    show(f"\nFailed: {', '.join(failed)}." if failed else "\nAll tests have passed.")
    return 1 if failed else 0


def has_passed(name: str, options: list[str]) -> bool:
    show(f"\n== Tests: {name}")
    return subprocess.run([*PYTEST, *options], preexec_fn=die_with_parent(signal.SIGTERM)).returncode == 0
