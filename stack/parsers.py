"""The arguments of the commands that are started here.

They are apart from the commands, because `./sluice COMMAND --help` and a wrong argument are answered by the bare
system Python, before anything is installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stack import ROOT

DEFAULT_STATE = ROOT / ".state"
HIGHEST_PORT = 65535


def port(text: str) -> int:
    """Return the number of a port, or 0 for a free one. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port. Choose a number from 1 to {HIGHEST_PORT}.")
    return int(text)


def up() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice up", description="Start the whole stack and run it until Ctrl-C.")
    parser.add_argument("--port", type=port, default=8025, help="port on 127.0.0.1 (default 8025; 0: a free one)")
    add_state(parser, "folder of all data")
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="FILE",
        help="file for addresses and logins as JSON, written once everything runs (default: ready.json in DIR)",
    )
    return parser


def demo() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sluice demo",
        description="Schedule five batches and do something else with each, and compare the result with the inbox.",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser


def doctor() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice doctor", description="Check an installation and report its problems.")
    add_state(parser, "the stack's folder")
    return parser


def test() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sluice test",
        usage="sluice test [--all] [pytest arguments]",
        description="Run the tests on a PostgreSQL and a Valkey that are started for them.",
        epilog="All further arguments are passed to pytest, such as a path, -k WORD, -x or -n 0.",
        allow_abbrev=False,
    )
    parser.add_argument("--all", action="store_true", help="run the slow kinds of tests, too")
    return parser


def check() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sluice check",
        usage="sluice check [--no-tests] [pytest arguments]",
        description="Run every check of CI to its end, and print a table of the results.",
        epilog="All further arguments are passed to pytest.",
        allow_abbrev=False,
    )
    parser.add_argument("--no-tests", action="store_true", help="leave out the tests")
    return parser


def add_state(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help=f"{meaning} (default .state)")
