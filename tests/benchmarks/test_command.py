"""Test a short run of `./sluice bench --quick`, which shows that the benchmarks work, not that Sluice is fast."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks import command, sluice, waves
from benchmarks.cases import stops
from benchmarks.command import main
from benchmarks.measured import Figure, Measured
from benchmarks.options import CASES
from benchmarks.registry import CEILINGS
from benchmarks.setting import Setting
from stack import StackError
from stack.processes import Program
from stack.programs import web_program, worker_program
from stack.running import Programs

CHOSEN = ("drain", "lateness", "stop", "busy-web")
"""These cases use one stack, and two of them look at the same waves."""
CEILING = "sink alone"
"""The other ceilings are in test_ceilings.py."""


@pytest.fixture
def shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the chosen cases: less waiting and fewer programs."""
    monkeypatch.setattr(command, "CASES", {name: CASES[name] for name in CHOSEN})
    for name in set(CEILINGS) - {CEILING}:
        monkeypatch.delitem(CEILINGS, name)
    monkeypatch.setattr(waves, "MARGIN_SECONDS", 0.2)
    monkeypatch.setattr(waves, "WARM_UP_SECONDS", 0.5)
    monkeypatch.setattr(waves, "DOUBLES_SECONDS", 0.2)
    monkeypatch.setattr(sluice.Sluice, "rest_seconds", lambda *_: 0.2)
    monkeypatch.setattr(sluice, "fleet", fleet_of_one)
    monkeypatch.setattr(stops, "WATCH_SECONDS", 0.2)


def fleet_of_one(workers: int) -> Programs:
    """Return a fleet of one worker that has all queues and sweeps for itself."""

    def programs(folder: Path, port: int, environment: Mapping[str, str]) -> list[Program]:
        queues = "eta,maintenance,transactional,bulk"
        worker = worker_program(folder, environment, name="worker", queues=queues, processes=workers)
        return [worker, web_program(port, environment)]

    return programs


@pytest.mark.large
def test_a_quick_run_measures_every_figure(shorter: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result) == ["about", *CHOSEN]
    assert result["about"]["is_quick"]
    assert result["about"]["sink"] in {"C", "Python"}
    for name in CHOSEN:
        case = result[name]
        assert case["is_sound"]
        assert case["targets"] == []
        assert all(figure["min"] > 0 for figure in case["sluice"].values()), name
    assert result["drain"]["ratios"]["200, messages/s"][CEILING] > 0
    assert result["drain"]["growth"]["seconds"]["sizes"] == [100, 300, 900]
    assert result["stop"]["sluice"]["exact, share of the stops"]["median"] == 1
    shares = [share for _, share in result["lateness"]["curves"]["sluice"]]
    assert (shares[0], shares[-1]) == (0, 1)


def test_a_case_that_fails_spoils_no_other(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def measure(name: str, _setting: Setting) -> Measured:
        if name == "drain":
            raise StackError("nothing came")
        return Measured([Figure("rate", {"sluice": [1.0]})])

    monkeypatch.setattr(command, "measure", measure)
    assert main([]) == 1
    table = capsys.readouterr().out
    assert "failed: nothing came" in table
    assert all(f"{name}: " in table for name in CASES)


@pytest.mark.parametrize("words", [["--case", "nothing"], ["--case", "drain", "--pending", "3"], ["--pending", "3"]])
def test_unknown_options_are_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
