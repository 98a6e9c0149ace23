"""Define the figures of a case, and their form in JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.registry import SLUICE
from benchmarks.targets import TARGETS, Target

LINEAR = 1.1
"""A cost that grows with a higher power of the size than this is worse than linear."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity: its runs by contestant."""

    name: str
    runs: Mapping[str, Sequence[float]]
    is_better_high: bool = False

    def json(self, who: str) -> dict[str, Any]:
        runs = [significant(run) for run in self.runs[who]]
        return {"median": median(runs), "min": min(runs), "max": max(runs), "runs": runs}

    def ratios(self) -> dict[str, float]:
        """Return how many times better Sluice is than each of the others, by the medians."""
        ratios = {}
        for other in self.runs:
            if other != SLUICE and SLUICE in self.runs:
                of_sluice, of_other = median(self.runs[SLUICE]), median(self.runs[other])
                better, worse = (of_sluice, of_other) if self.is_better_high else (of_other, of_sluice)
                ratios[other] = significant(better / worse) if worse else math.inf
        return ratios


@dataclass(frozen=True, slots=True)
class Growth:
    """The total cost of a case at each of three sizes."""

    name: str
    sizes: Sequence[int]
    costs: Sequence[float]

    @property
    def exponent(self) -> float:
        """Return the power of the size with which the cost grows, smallest to largest (1: linear; 0: not at all)."""
        if min(self.costs) <= 0:
            return 0.0
        return math.log(self.costs[-1] / self.costs[0]) / math.log(self.sizes[-1] / self.sizes[0])

    def json(self) -> dict[str, Any]:
        exponent = round(self.exponent, 2) or 0.0  # not -0
        costs = [significant(cost) for cost in self.costs]
        return {"sizes": list(self.sizes), "costs": costs, "exponent": exponent, "is_linear": exponent <= LINEAR}


@dataclass(frozen=True, slots=True)
class Measured:
    figures: Sequence[Figure]
    growth: Sequence[Growth] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Other facts, by name."""
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    is_sound: bool = True
    """False when mail was lost, sent twice, sent early or sent after a stop, which no speed excuses."""

    def json(self, case: str, *, with_targets: bool) -> dict[str, Any]:
        """Return the figures of Sluice and the others by name, then the ratios and all other results."""
        who = dict.fromkeys(name for figure in self.figures for name in figure.runs)
        figures = {figure.name: figure for figure in self.figures}
        return {
            **{name: {f.name: f.json(name) for f in self.figures if name in f.runs} for name in who},
            "ratios": {figure.name: figure.ratios() for figure in self.figures if figure.ratios()},
            "targets": [judge(each, figures) for each in TARGETS.get(case, ())] if with_targets else [],
            "growth": {growth.name: growth.json() for growth in self.growth},
            "facts": dict(self.facts),
            **({"curves": self.curves} if self.curves else {}),
            "is_sound": self.is_sound,
        }


def judge(target: Target, figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Return the target, the figure, and whether it was met; `measured` is None where the other side is missing."""
    verdict: dict[str, Any] = {"figure": target.figure, "target": target.text, "measured": None, "is_met": None}
    runs = figures[target.figure].runs if target.figure in figures else {}
    if not {SLUICE, target.against or SLUICE} <= set(runs):
        return verdict
    measured = median(runs[SLUICE]) / (median(runs[target.against]) if target.against else 1)
    return verdict | {"measured": significant(measured), "is_met": target.is_met_by(measured)}


def spread(name: str, milliseconds: Iterable[float]) -> list[Figure]:
    """Return the median, p99 and maximum of Sluice's own times, each as a figure."""
    values = sorted(milliseconds)
    marks = {"p50": values[len(values) // 2], "p99": values[int(len(values) * 0.99)], "max": values[-1]}
    return [Figure(f"{name}, {mark}, ms", {SLUICE: [value]}) for mark, value in marks.items()]


def significant(value: float) -> float:
    """Round to three or four digits, the precision of a benchmark."""
    if not value or not math.isfinite(value):
        return value
    digits = 3 - math.floor(math.log10(abs(value)))
    return round(value, max(digits, 0))
