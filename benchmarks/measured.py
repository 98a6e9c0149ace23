"""What a case has measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Measured:
    """Its numbers, and whether what is promised of them was met."""

    numbers: dict[str, Any]
    is_met: bool


def spread(milliseconds: Iterable[float]) -> dict[str, float]:
    """The middle, the edge and the worst."""
    ordered = sorted(milliseconds)
    marks = {"p50": ordered[len(ordered) // 2], "p99": ordered[int(len(ordered) * 0.99)], "max": ordered[-1]}
    return {name: round(value, 1) for name, value in marks.items()}


def table(name: str, measured: Measured) -> str:
    """For a person."""
    rows = [f"{name}: {'as promised' if measured.is_met else 'NOT AS PROMISED'}"]
    for key, value in measured.numbers.items():
        if isinstance(value, dict):
            value = ", ".join(f"{mark} {each:g}" for mark, each in value.items())
        rows.append(f"  {key:<24}{value}")
    return "\n".join(rows)
