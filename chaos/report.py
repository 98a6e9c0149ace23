"""Report the result: one object with fixed keys, or a table of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from chaos.truth import STATES, Truth
from chaos.verdict import Verdict

AFTERMATH_SECONDS = 3.0


def make_report(
    verdict: Verdict, truth: Truth, *, figures: int, rescues: list[float], faults: Counter[str], seed: int
) -> dict[str, Any]:
    """Return the messages by state, the breaches, and the times."""
    counts = {state: truth.states[state] for state in STATES}
    return {
        "accepted": sum(counts.values()),
        **counts,
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "sent_after_settled_stop": len(verdict.sent_after_settled_stop),
        "miscounted": len(verdict.miscounted),
        "figures_on_pages": {"compared": figures, "wrong": len(verdict.wrong_figures)},
        "events": {
            "compared": verdict.events.compared,
            "repeated": verdict.events.repeated,
            "lost": len(verdict.events.lost),
            "wrong": len(verdict.events.wrong),
        },
        "rescue_seconds": spread(rescues, digits=1),
        "lateness_ms": spread([late for _, late in verdict.lateness], digits=0),
        "faults": dict(sorted(faults.items())),
        "seed": seed,
    }


def spread(values: list[float], *, digits: int) -> dict[str, float]:
    """Return the median, p99 and maximum."""
    sorted_values = sorted(values)
    if not sorted_values:
        return {"count": 0, "p50": 0, "p99": 0, "max": 0}
    marks = {
        "p50": sorted_values[len(sorted_values) // 2],
        "p99": sorted_values[int(len(sorted_values) * 0.99)],
        "max": sorted_values[-1],
    }
    return {"count": len(sorted_values), **{name: round(value, digits) for name, value in marks.items()}}


def by_fault(times: Iterable[tuple[float, float]], windows: list[tuple[str, float, float]]) -> str:
    """Return how long calls took (p50, p99 and maximum in milliseconds) during each fault, and without one.

    `times` has the begin and the length of each call. A call counts as without a fault when nothing had failed for a
    while.
    """
    seconds: dict[str, list[float]] = defaultdict(list)
    for start, duration in times:
        names = [name for name, broken, healed in windows if broken <= start < healed + AFTERMATH_SECONDS]
        for name in names or ["nothing"]:
            seconds[name].append(duration)
    rows = [(name, spread(values, digits=0)) for name, values in seconds.items()]
    rows.sort(key=lambda row: row[1]["max"])
    return "\n".join(f"  {row['p50']:>7.0f}{row['p99']:>7.0f}{row['max']:>7.0f}  {name}" for name, row in rows)


def table(report: dict[str, Any]) -> str:
    """Return the result as a table for people."""
    rows = []
    for name, value in report.items():
        if isinstance(value, dict):
            value = name_counts(value)
        rows.append(f"  {name:<24}{value}")
    return "\n".join(rows)


def name_counts(counts: Mapping[str, float]) -> str:
    """Return several numbers with their names as one text."""
    return ", ".join(f"{name} {number:g}" for name, number in counts.items()) or "none"
