"""Parse the arguments of the commands that are started here.

They are apart from the commands, because `./sluice COMMAND --help` and a wrong argument are answered by the bare
system Python, before anything is installed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stack import ROOT

DEFAULT_STATE = ROOT / ".state"
HIGHEST_PORT = 65535


class NameParser(argparse.ArgumentParser):
    """A parser of a command that takes an id or a part of a name, which may begin with a hyphen.

    Its only short option is `-h`: everything else with one hyphen is a value.
    """

    def _parse_optional(self, arg_string: str) -> Any:
        is_option = arg_string.startswith("--") or arg_string == "-h"
        return super()._parse_optional(arg_string) if is_option else None


def port(text: str) -> int:
    """Return the number of a port, or 0 for a free one. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port. Choose a number from 1 to {HIGHEST_PORT}.")
    return int(text)


def number_from(least: float) -> Callable[[str], float]:
    """Return a function that reads a number of at least this. It raises ArgumentTypeError."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} on.")
        return value

    return number


def count(text: str) -> int:
    """Return a whole number of at least 1. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 on.")
    return int(text)


def name_or_id(text: str) -> str:
    """Return a name, or an id, without blanks around it. Raises ArgumentTypeError if nothing is left.

    Every name contains the empty text. So a script whose variable is empty would stop an arbitrary batch.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty. Give an id or a name.")
    return text.strip()


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


def screenshots() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog="sluice screenshots",
        description="Take the pictures in docs/screenshots/ again, with a stack that is started for them.",
    )


EXIT_CODES = """exit codes: 0 done; 1 an error, with a sentence; 2 wrong arguments; 3 nothing was changed, because
it was not confirmed; 4 done, but workers still had mail of it after --wait."""
MOVES = {
    "stop": "Cancel a batch or a campaign: none of its waiting mail is sent. An account is frozen: its mail is kept.",
    "pause": "Pause a batch or a campaign, or freeze an account: its mail is kept until it is resumed.",
    "resume": "Resume a batch or a campaign, or thaw an account.",
}


def ps() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sluice ps", description="Show what is being sent, what comes within an hour, and what needs a person."
    )
    parser.add_argument("--watch", action="store_true", help="show it every 2 seconds until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print it as one JSON object")
    add_installation(parser)
    return parser


def stop() -> argparse.ArgumentParser:
    return moving("stop")


def pause() -> argparse.ArgumentParser:
    return moving("pause")


def resume() -> argparse.ArgumentParser:
    return moving("resume")


def moving(name: str) -> argparse.ArgumentParser:
    parser = NameParser(prog=f"sluice {name}", description=MOVES[name], epilog=EXIT_CODES)
    subject = parser.add_mutually_exclusive_group(required=True)
    subject.add_argument(
        "target",
        type=name_or_id,
        nargs="?",
        metavar="BATCH|CAMPAIGN",
        help="the id of a batch or a campaign, or a part of its name",
    )
    subject.add_argument(
        "--account", type=name_or_id, metavar="NAME", help="the account of the key, or one of its subusers"
    )
    add_change(parser)
    return parser


def keys() -> argparse.ArgumentParser:
    parser = NameParser(prog="sluice keys", description="List the API keys of the account, or revoke one.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|revoke")
    lists = actions.add_parser("list", help="list the valid keys")
    lists.add_argument("--json", action="store_true", help="print them as one JSON list")
    add_installation(lists)
    revoke = actions.add_parser("revoke", help="revoke a key", epilog=EXIT_CODES)
    revoke.add_argument("key_id", type=name_or_id, metavar="ID", help="the id of the key, or a part of its name")
    revoke.add_argument(
        "--stop-scheduled", action="store_true", help="also stop the campaigns, batches and mail that it scheduled"
    )
    add_change(revoke)
    return parser


def add_change(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a command that changes something after a question."""
    parser.add_argument("--reason", default="", metavar="TEXT", help="the reason, which the receipt keeps")
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where there is no terminal")
    parser.add_argument("--json", action="store_true", help="print the answer as one JSON object")
    parser.add_argument(
        "--wait", type=number_from(0), default=60, metavar="SECONDS", help="how long to wait for workers (default 60)"
    )
    add_installation(parser)


def add_installation(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name another installation than the local stack."""
    parser.add_argument("--url", help="address of an installation (default: SLUICE_URL, else the local stack)")
    parser.add_argument("--key", help="an API key of it (default: SLUICE_KEY; other users can see arguments)")
    add_state(parser, "folder of the local stack")


def add_state(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, metavar="DIR", help=f"{meaning} (default .state)")
