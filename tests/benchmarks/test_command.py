"""`./sluice bench --quick`: a short run of the real thing, which shows that it works, not that Sluice is fast."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import command
from benchmarks.command import CASES, main
from benchmarks.measured import Figure, Measured
from benchmarks.setting import Setting
from stack import StackError

CHOSEN = ("drain", "lateness", "stop", "trickle")
"""They all go through one stack."""


@pytest.mark.xdist_group("whole stack")
def test_a_quick_run_measures_what_it_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "CASES", {name: CASES[name] for name in CHOSEN})
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
def test_what_it_does_not_know_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
