"""Test the output of `./sluice doctor` and `./sluice check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from stack import check, doctor
from stack.check import Outcome, Step, table
from stack.first_run import write_private
from stack.folders import locked


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("no_database")
def test_the_doctor_reports_that_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor.main(["--state", str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert f"BAD  stack        No stack runs in {tmp_path}" in shown
    assert "ok   postgresql   18." in shown


@pytest.mark.usefixtures("no_database")
def test_the_doctor_looks_at_the_stack_that_runs_in_the_folder(tmp_path: Path) -> None:
    write_private(tmp_path / "environment.json", {"DATABASE_URL": "postgresql://here/x"})
    assert doctor.product_environment(tmp_path) is None
    with locked(tmp_path):
        environment = doctor.product_environment(tmp_path)
    assert environment is not None
    assert environment["DATABASE_URL"] == "postgresql://here/x"


def test_check_continues_after_a_failure_and_names_it() -> None:
    outcomes = [check.run(Step(name, [name]), {"PATH": "/usr/bin:/bin"}) for name in ("false", "true")]
    assert [outcome.passed for outcome in outcomes] == [False, True]
    assert "FAILED  false" in table(outcomes)
    assert "ok      true" in table([*outcomes, Outcome("more", True, 1.0)])
