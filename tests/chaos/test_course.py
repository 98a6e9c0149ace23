"""Test a short run of the whole chaos: a few of the faults that `./sluice chaos` injects, once each."""

from __future__ import annotations

import pytest

from chaos.course import run
from chaos.faults import FAULTS
from chaos.scale import SMALL
from chaos.truth import STATES

FEW = (
    "PostgreSQL crashed",
    "Redis flushed",
    "peer drops after the dot",
    "receiver gone (410)",
    "receiver resets in its answer",
    "web killed in an accept",
    "worker child killed",
)


@pytest.mark.large
def test_every_promise_is_kept_while_things_break() -> None:
    """Only counts are asserted; times mean nothing on a busy machine."""
    faults = [fault for fault in FAULTS if fault.name in FEW]
    outcome = run(seconds=0, seed=19, faults=faults, scale=SMALL)
    report = outcome.report
    assert outcome.verdict.breaches == []
    assert outcome.verdict.miscounted == []
    assert outcome.verdict.wrong_figures == []
    assert (outcome.verdict.events.lost, outcome.verdict.events.wrong) == ([], [])
    assert report["events"]["compared"] > 2 * report["sent"]
    assert report["events"]["repeated"] > 0
    assert report["figures_on_pages"]["compared"] > 100
    assert report["faults"] == dict.fromkeys(FEW, 1)
    assert report["accepted"] == sum(report[state] for state in STATES)
    assert report["sent"] > 100
    assert (report["lost"], report["sent_after_settled_stop"], report["pending"], report["retained"]) == (0, 0, 0, 0)
    assert report["doubled"] <= outcome.allowed_doubles
    assert outcome.is_kept
