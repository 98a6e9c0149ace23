"""`./sluice bench`: measure one case after the other, and say whether what is promised of it was met."""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from typing import NamedTuple

from benchmarks.measured import Measured, table
from stack.say import show


class Case(NamedTuple):
    """`module` has a `measure(arguments) -> Measured`."""

    module: str
    summary: str


CASES = {"stop": Case("benchmarks.stops", "stops of a batch of a million messages while two workers drain it")}


def main(arguments: list[str]) -> int:
    """0 only if every case met what is promised."""
    options, rest = parser().parse_known_args(arguments)
    found = {name: measure(name, rest) for name in ([options.case] if options.case else CASES)}
    if options.json:
        show(json.dumps({name: measured.numbers for name, measured in found.items()}, indent=2))
    else:
        show("\n".join(table(name, measured) for name, measured in found.items()))
    return 0 if all(measured.is_met for measured in found.values()) else 1


def measure(name: str, arguments: list[str]) -> Measured:
    measured = import_module(CASES[name].module).measure(arguments)
    assert isinstance(measured, Measured)
    return measured


def parser() -> argparse.ArgumentParser:
    cases = "; ".join(f"{name}: {case.summary}" for name, case in CASES.items())
    parser = argparse.ArgumentParser(
        prog="sluice bench", description=__doc__, epilog=f"{cases}. Further arguments go to the case (--rounds 5)."
    )
    parser.add_argument("--case", choices=CASES, help="only this one")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return parser
