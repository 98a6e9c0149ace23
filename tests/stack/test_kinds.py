"""`./sluice test --all` runs the suite and each kind of test that the suite leaves out."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from stack import check
from stack import test as command
from stack.check import Step
from stack.services import Engines
from tests.examples import few_by_default


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the options of each run of pytest, which do not take place; the last run fails."""
    runs: list[list[str]] = []

    def run(_: str, options: list[str]) -> bool:
        runs.append(options)
        return len(runs) < len(command.RUNS)

    monkeypatch.setattr(command, "has_passed", run)
    return runs


def test_all_runs_take_place_and_one_failure_fails_all(
    runs: list[list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["--all", "-x"]) == 1
    assert runs == [["-x"], ["-m", "walk", "-x"], [*command.RUNS["all others"], "-x"]]
    assert "Failed: all others." in capsys.readouterr().out


def test_the_other_runs_have_the_kinds_that_the_suite_leaves_out(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getini("addopts")[-1] == " and ".join(f"not {kind}" for kind in command.KINDS)


def test_a_walk_is_a_large_test() -> None:
    few, all_values = few_by_default(["a", "b"], "a")
    assert few == "a"
    assert {mark.name for mark in all_values.marks} == {"large", "walk"}


@pytest.mark.parametrize(("arguments", "tests"), [([], 1), (["--no-tests"], 0)])
def test_checks_include_the_tests_unless_they_run_by_themselves(
    arguments: list[str], tests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    titles: list[str] = []

    def run(step: Step, _: object) -> check.Outcome:
        titles.append(step.title)
        return check.Outcome(step.title, True, 0.0)

    monkeypatch.setattr(check, "run", run)
    monkeypatch.setattr(check, "temporary_engines", lambda *_: nullcontext(Engines("", "")))
    assert check.main(arguments) == 0
    assert titles.count("Tests: pytest") == tests
    assert len(titles) == len(check.steps()) + tests
