"""Report a result to people from its JSON: a table in a terminal, and the same in Markdown for docs/performance.md.

./sluice bench --json > bench.json
python -m benchmarks.report bench.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.registry import SLUICE
from stack.say import show

PARTS = {"summary", "ratios", "targets", "growth", "facts", "curves", "is_sound"}
"""The parts of a case; the other keys are Sluice, its peers and ceilings."""


class Row(NamedTuple):
    figure: str
    sluice: str
    others: str
    target: str


HEAD = Row("figure", "Sluice", "others: how many times better Sluice is", "target")


def text(result: dict[str, Any]) -> str:
    """Return the result as text for a terminal."""
    cases = {name: list(rows(case)) for name, case in result.items() if name != "about"}
    every = [HEAD, *(row for table_rows in cases.values() for row in table_rows)]
    widths = [max(len(row[column]) for row in every) for column in range(2)]
    lines = [machine(result["about"])]
    for name, table_rows in cases.items():
        lines += ["", f"{name}: {result[name]['summary']}"]
        lines += [
            f"  {row.figure:<{widths[0]}}  {row.sluice:>{widths[1]}}  {'  '.join(filter(None, row[2:]))}".rstrip()
            for row in table_rows
        ]
        lines += [f"  {line}" for line in remarks(result[name])]
    return "\n".join(lines)


def markdown(result: dict[str, Any]) -> str:
    """Return a table for each case."""
    lines = [machine(result["about"]), ""]
    for name, case in result.items():
        if name != "about":
            table_rows = list(rows(case))
            lines += [f"### `{name}`: {case['summary']}", "", *table([HEAD, *table_rows]), ""]
            lines += [f"- {line}" for line in remarks(case)]
            lines += [""] if lines[-1] else []
    return "\n".join(lines).rstrip() + "\n"


def table(table_rows: list[Row]) -> Iterator[str]:
    """Return a table without the columns that are empty throughout."""
    columns = [n for n in range(len(HEAD)) if any(row[n] for row in table_rows[1:])]
    for number, row in enumerate(table_rows):
        yield "| " + " | ".join(row[n] for n in columns) + " |"
        if number == 0:
            yield "|" + "|".join("---:" if n == 1 else "---" for n in columns) + "|"


def rows(case: dict[str, Any]) -> Iterator[Row]:
    """Yield a row for each figure."""
    others = [name for name in case if name not in PARTS and name != SLUICE]
    for figure, numbers in case.get(SLUICE, {}).items():
        ratios = case["ratios"].get(figure, {})
        yield Row(
            figure,
            with_spread(numbers),
            ", ".join(
                f"{contestant} {with_spread(case[contestant][figure])}: {number(ratios[contestant])}"
                for contestant in others
                if contestant in ratios
            ),
            "; ".join(verdict(target) for target in case["targets"] if target["figure"] == figure),
        )


def with_spread(numbers: dict[str, Any]) -> str:
    """Return the median, and the spread where there is one."""
    spread = f" [{number(numbers['min'])} … {number(numbers['max'])}]" if len(numbers["runs"]) > 1 else ""
    return number(numbers["median"]) + spread


def verdict(target: dict[str, Any]) -> str:
    if target["is_met"] is None:
        return f"{target['target']}: not measured"
    reached = "met" if target["is_met"] else "MISSED"
    share = f" ({number(target['measured'])})" if " of " in target["target"] else ""
    return f"{target['target']}{share}: {reached}"


def remarks(case: dict[str, Any]) -> Iterator[str]:
    """Yield how costs grow, and other remarks."""
    for name, growth in case["growth"].items():
        sizes = " → ".join(f"{size:,}" for size in growth["sizes"])
        costs = " → ".join(number(cost) for cost in growth["costs"])
        warning = "" if growth["is_linear"] else ", WORSE THAN LINEAR"
        yield f"{name}: {costs} at {sizes}, as the size to the power of {growth['exponent']:g}{warning}"
    for name, fact in case["facts"].items():
        yield f"{name}: {fact:,}" if isinstance(fact, int) else f"{name}: {fact}"
    if not case["is_sound"]:
        yield "NOT SOUND: mail was lost, sent twice, sent early, or sent after a stop"


def number(value: float) -> str:
    """Return a number with its significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def machine(about: dict[str, Any]) -> str:
    quick = "A QUICK RUN, whose figures mean nothing. " if about["is_quick"] else ""
    return (
        f"{quick}{about['cores']} cores ({about['processor']}), {about['memory_gb']} GB, {about['system']}, "
        f"Python {about['python']}, PostgreSQL {about['postgresql']}; {about['durability']}; "
        f"sink in {about['sink']}; {about['at']}, {about['minutes']} minutes"
    )


if __name__ == "__main__":
    show(markdown(json.loads(Path(sys.argv[1]).read_text())))
