"""List the commands of `./sluice`, and run one: each is a module with `main(arguments) -> exit code`.

The bare system Python imports this module, so it uses nothing outside the standard library until the environment is
entered. Help and wrong arguments are answered before that, so they install nothing.
"""

from __future__ import annotations

import argparse
import difflib
import os
import tomllib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from stack import ROOT, StackError
from stack.asking import DECLINED, Declined
from stack.environment import DEVELOPMENT, RUN, enter_environment
from stack.say import open_missing_streams, say, show
from stack.waiting import Interrupted, signals_interrupt


class Command(NamedTuple):
    module: str
    parser: str
    """The function that makes its parser, as `module.name`. The module imports only the standard library."""
    summary: str
    """The line in the help."""
    requirements: Path | None = RUN
    """The packages that it needs; None: the standard library is enough."""
    function: str = "main"


COMMANDS = {
    "demo": Command("stack.demo", "stack.parsers.demo", "run a self-checking demonstration and exit"),
    "up": Command("stack.up", "stack.parsers.up", "start everything and leave it running until Ctrl-C"),
    "ps": Command("stack.ps", "stack.parsers.ps", "show what is being sent, what comes next, and problems", None),
    "stop": Command(
        "stack.moves", "stack.parsers.stop", "stop a batch or a campaign, or freeze an account", None, "stop"
    ),
    "pause": Command(
        "stack.moves", "stack.parsers.pause", "pause a batch or a campaign, or freeze an account", None, "pause"
    ),
    "resume": Command(
        "stack.moves", "stack.parsers.resume", "resume a batch or a campaign, or thaw an account", None, "resume"
    ),
    "keys": Command("stack.keys", "stack.parsers.keys", "list API keys; revoke one, and stop what it scheduled", None),
    "test": Command(
        "stack.test",
        "stack.parsers.test",
        "run the tests (--all: and those that take minutes; further arguments are passed to pytest)",
        DEVELOPMENT,
    ),
    "check": Command(
        "stack.check", "stack.parsers.check", "run every check of CI, from style and types to the tests", DEVELOPMENT
    ),
    "screenshots": Command(
        "stack.screenshots", "stack.parsers.screenshots", "take the pictures of the documentation again", DEVELOPMENT
    ),
    "doctor": Command("stack.doctor", "stack.parsers.doctor", "check an installation and report its problems"),
    "bench": Command("benchmarks.command", "benchmarks.options.parser", "measure the performance, case by case"),
    "chaos": Command(
        "chaos.command", "chaos.options.parser", "inject faults into a running system and verify its promises"
    ),
}


def main(arguments: list[str]) -> int:
    """Run one command. A problem that a person must solve is printed as a sentence, without a traceback."""
    open_missing_streams()
    name, parameters = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name in {"help", "--help", "-h"}:
        if not parameters:
            show(usage())
            return 0
        name, parameters = parameters[0], ["--help"]
    if name in {"--version", "-V"}:
        show(f"Sluice {version()}")
        return 0
    if name not in COMMANDS:
        say(describe_unknown(name))
        return 2
    return run(COMMANDS[name], parameters)


def run(command: Command, arguments: list[str]) -> int:
    # It prints the help or an error about an argument, and exits. Unknown arguments may be those of pytest.
    parser_of(command).parse_known_args(arguments)
    if command.requirements is not None:
        enter_environment(command.requirements)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        with signals_interrupt():
            return int(getattr(import_module(command.module), command.function)(arguments))
    except Declined as error:
        say(f"sluice: {error}")
        return DECLINED
    except StackError as error:
        say(f"sluice: {error}")
        return 1
    except Interrupted:
        return 130


def parser_of(command: Command) -> argparse.ArgumentParser:
    module, _, name = command.parser.rpartition(".")
    make: Callable[[], argparse.ArgumentParser] = getattr(import_module(module), name)
    return make()


def describe_unknown(name: str) -> str:
    """Return what is wrong with the name of a command, and the name that was probably meant."""
    similar = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"Did you mean ./sluice {similar[0]}?" if similar else "./sluice --help lists the commands."
    return f"sluice: {name!r} is not a command. {hint}"


def version() -> str:
    project: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["version"]


def usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  ./sluice {name:<{width}} {command.summary}" for name, command in COMMANDS.items()]
    more = "./sluice COMMAND --help describes the arguments of a command, ./sluice --version prints the version."
    return "\n".join(["Sluice, a scheduler for e-mail with an exact stop.", "", *lines, "", more])
