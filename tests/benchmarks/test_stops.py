"""Test the verdict of the benchmark of stops on its counts."""

from __future__ import annotations

from benchmarks.cases.stops import Round, conclude
from tests.examples import for_each


@for_each(
    ("played", "is_met"),
    [
        (Round(100.0, 5.0, is_settled=True, sent=7, taken=7, taken_later=7), True),
        (Round(100.0, 5.0, is_settled=False, sent=7, taken=7, taken_later=7), False),
        (Round(100.0, 5.0, is_settled=True, sent=7, taken=7, taken_later=8), False),
        (Round(100.0, 5.0, is_settled=True, sent=6, taken=7, taken_later=7), False),
        (Round(1500.0, 5.0, is_settled=True, sent=7, taken=7, taken_later=7), False),
    ],
)
def test_one_stop_that_is_late_or_not_exact_fails_the_case(played: Round, is_met: bool) -> None:
    fine = Round(50.0, 5.0, is_settled=True, sent=1, taken=1, taken_later=1)
    measured = conclude([fine, played], 7)
    assert measured.is_sound is is_met
    assert measured.json("stop", with_targets=False)["sluice"]["pause, max, ms"]["median"] == played.answer_ms
