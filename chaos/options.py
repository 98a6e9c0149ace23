"""Define the arguments of `./sluice chaos`, in a module that the bare system Python can import, too."""

from __future__ import annotations

import argparse
from pathlib import Path

from stack.parsers import number_from

DESCRIPTION = """Inject faults for some minutes, then prove that no message was lost, sent twice or sent after a stop.
Every event has to arrive at the receivers of webhooks, too. The seed fixes the faults, their order and the callers'
requests, but not the timing of threads."""


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sluice chaos", description=DESCRIPTION)
    parser.add_argument(
        "--minutes",
        type=number_from(0),
        default=2.0,
        help="minutes of faults (default 2); each is injected at least once",
    )
    parser.add_argument("--seed", type=int, help="seed of all random choices (default: a new one, which is printed)")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    parser.add_argument("--only", default="", metavar="WORD", help="inject only faults with this text in their name")
    parser.add_argument("--logs", type=Path, metavar="DIR", help="folder for the logs of all processes")
    return parser
