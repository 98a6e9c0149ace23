"""Test the results that the benchmarks compute from their figures."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import measured
from benchmarks.measured import Figure, Growth, Measured
from benchmarks.options import CASES
from benchmarks.report import markdown, text
from benchmarks.targets import TARGETS, Target

ABOUT = {
    "cores": 2,
    "processor": "a processor",
    "memory_gb": 4,
    "system": "Linux",
    "python": "3.11",
    "postgresql": "18.1",
    "durability": "fsync",
    "sink": "C",
    "at": "2026-11-21",
    "minutes": 1,
    "is_quick": False,
}


@pytest.fixture
def targets(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = (
        Target(figure="rate", at_least=100),
        Target(figure="rate", at_least=0.5, against="ceiling"),
        Target(figure="rate", at_least=0.5, against="nobody"),
        Target(figure="late", at_most=20),
    )
    monkeypatch.setitem(measured.TARGETS, "drain", chosen)


@pytest.fixture
def case(targets: None) -> dict[str, Any]:
    rate = Figure("rate", {"sluice": [90, 120, 110], "peer": [10, 11, 12], "ceiling": [400]}, is_better_high=True)
    late = Figure("late", {"sluice": [30], "peer": [60]})
    growth = [Growth("seconds", [1, 3, 9], [1, 3, 9]), Growth("bytes", [1, 3, 9], [1, 9, 81])]
    return Measured([rate, late], growth, {"lost": 3}, is_sound=False).json("drain", with_targets=True)


def test_everybody_has_a_key_with_median_and_spread(case: dict[str, Any]) -> None:
    assert case["sluice"]["rate"] == {"median": 110, "min": 90, "max": 120, "runs": [90, 120, 110]}
    assert case["peer"]["late"]["median"] == 60
    assert "late" not in case["ceiling"]
    assert json.loads(json.dumps(case)) == case


def test_a_ratio_is_how_many_times_better_sluice_is(case: dict[str, Any]) -> None:
    assert case["ratios"] == {"rate": {"peer": 10, "ceiling": 0.275}, "late": {"peer": 2}}


def test_a_target_is_met_missed_or_not_measured(case: dict[str, Any]) -> None:
    assert [(each["target"], each["measured"], each["is_met"]) for each in case["targets"]] == [
        (">= 100", 110, True),
        (">= 0.5 of ceiling", 0.275, False),
        (">= 0.5 of nobody", None, None),
        ("<= 20", 30, False),
    ]


def test_a_cost_that_grows_faster_than_its_size_is_reported(case: dict[str, Any]) -> None:
    assert (case["growth"]["seconds"]["exponent"], case["growth"]["seconds"]["is_linear"]) == (1, True)
    assert (case["growth"]["bytes"]["exponent"], case["growth"]["bytes"]["is_linear"]) == (2, False)


@pytest.mark.parametrize("render", [text, markdown])
def test_the_table_has_every_figure(render: Any, case: dict[str, Any]) -> None:
    table = render({"about": ABOUT, "drain": {"summary": "a drain", **case}})
    for part in (
        "110 [90 … 120]",
        "peer 11 [10 … 12]: 10",
        ">= 100: met",
        ">= 0.5 of ceiling (0.275): MISSED",
        ">= 0.5 of nobody: not measured",
        "to the power of 2, WORSE THAN LINEAR",
        "lost: 3",
        "NOT SOUND",
        "sink in C",
    ):
        assert part in table


def test_targets_are_of_cases_that_there_are() -> None:
    assert set(TARGETS) <= set(CASES)
