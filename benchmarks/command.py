"""Measure one case after the other: Sluice beside its peers and its ceilings, on this machine.

The exit code is 0 unless a case is not sound (mail lost or sent twice, a stop that was not exact). A missed target is
only reported.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.about import about
from benchmarks.contest import keeping_stacks
from benchmarks.measured import Measured
from benchmarks.options import CASES, OWN_ARGUMENTS, parser
from benchmarks.report import text
from benchmarks.setting import Setting
from stack import StackError
from stack.say import say, show


def main(arguments: list[str]) -> int:
    """Run the benchmarks; return 1 when a case is not sound, and 0 otherwise."""
    command = parser()
    options, case_arguments = command.parse_known_args(arguments)
    if case_arguments and options.case != OWN_ARGUMENTS:
        command.error(f"unrecognized arguments: {' '.join(case_arguments)}")
    setting = Setting(is_quick=options.quick, rounds=options.contest_rounds, arguments=tuple(case_arguments))
    with keeping_stacks():
        result = run([options.case] if options.case else list(CASES), setting)
    show(json.dumps(result, indent=2) if options.json else text(result))
    if options.plot:
        from benchmarks.plot import draw

        draw(result, options.plot)
    return 0 if all(result[name]["is_sound"] for name in CASES if name in result) else 1


def run(names: list[str], setting: Setting) -> dict[str, Any]:
    """Run the cases and return the JSON: `about` this machine, and a key for each case."""
    began_at, result = time.monotonic(), {"about": about(setting)}
    for name in names:
        say(f"Case {name}: {CASES[name].summary}")
        try:
            measured = measure(name, setting)
        except (StackError, RuntimeError) as error:
            # A failed case must not end the run: it may already have taken an hour.
            say(f"Case {name} failed: {error}")
            measured = Measured([], facts={"failed": str(error)}, is_sound=False)
        result[name] = {"summary": CASES[name].summary, **measured.json(name, with_targets=not setting.is_quick)}
    result["about"]["minutes"] = round((time.monotonic() - began_at) / 60, 1)
    return result


def measure(name: str, setting: Setting) -> Measured:
    module, _, function = CASES[name].function.rpartition(".")
    measuring: Callable[[Setting], Measured] = getattr(import_module(f"benchmarks.cases.{module}"), function)
    return measuring(setting)
