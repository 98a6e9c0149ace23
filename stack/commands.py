"""The commands of `./sluice`: a module each, with `main(arguments) -> exit code`.

Imported by the bare system Python: nothing outside the standard library until the environment is entered.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from stack import StackError
from stack.environment import DEVELOPMENT, RUN, enter_environment
from stack.say import say, show
from stack.waiting import Interrupted, signals_interrupt


class Command(NamedTuple):
    module: str
    summary: str
    """The line in the help; a command without one is not shown."""
    requirements: Path = RUN
    """The packages that it needs."""


COMMANDS = {
    "demo": Command("stack.demo", "run a self-checking demonstration and exit"),
    "up": Command("stack.up", "start everything and leave it running until Ctrl-C"),
    "test": Command(
        "stack.test", "run the tests (--all: and its slow kinds; further arguments are passed to pytest)", DEVELOPMENT
    ),
    "check": Command("stack.check", "run every check of CI, from style and types to the tests", DEVELOPMENT),
    "doctor": Command("stack.doctor", "check an installation and report its problems"),
    "bench": Command("benchmarks.command", "measure the performance, case by case"),
    "chaos": Command("chaos.command", "inject faults into a running system and verify its promises"),
}


def main(arguments: list[str]) -> int:
    """Run one command. A problem that a person must solve is printed as a sentence, without a traceback."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name not in COMMANDS:
        show(usage())
        return 0 if name in {"help", "--help", "-h"} else 2
    enter_environment(COMMANDS[name].requirements)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        with signals_interrupt():
            return int(import_module(COMMANDS[name].module).main(rest))
    except StackError as error:
        say(f"sluice: {error}")
        return 1
    except Interrupted:
        return 130


def usage() -> str:
    lines = [f"  ./sluice {name:<8} {command.summary}" for name, command in COMMANDS.items() if command.summary]
    return "\n".join(["Sluice, a scheduler for e-mail with an exact stop.", "", *lines])
