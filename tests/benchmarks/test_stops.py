"""What the benchmark of stops counts with, and what it makes of its counts."""

from __future__ import annotations

import smtplib
from pathlib import Path

import pytest

from benchmarks import sink
from benchmarks.command import CASES, measure
from benchmarks.measured import table
from benchmarks.stops import Round, conclude


@pytest.mark.parametrize("has_compiler", [True, False])
def test_the_sink_counts_what_it_has_taken(has_compiler: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_compiler:
        monkeypatch.setattr(sink.shutil, "which", lambda _: None)
    with sink.running_sink(tmp_path) as running:
        with smtplib.SMTP("127.0.0.1", running.port, timeout=10) as client:
            for body in ("One.\r\n", ".\r\n", "\r\n.\r\n.\r\n" + "x" * 100_000):
                client.sendmail("a@example.com", ["b@example.com"], body)
            assert running.count() == 3
        assert running.url == f"smtp://127.0.0.1:{running.port}"


@pytest.mark.parametrize(
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
    assert measured.is_met is is_met
    assert measured.numbers["answer_ms"]["max"] == played.answer_ms
    assert ("NOT AS PROMISED" in table("stop", measured)) is not is_met


def test_every_case_can_be_started() -> None:
    for name in CASES:
        with pytest.raises(SystemExit, match="0"):
            measure(name, ["--help"])
