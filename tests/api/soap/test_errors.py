"""The table of errors is complete: every error of the core has its answer in this API."""

from __future__ import annotations

from api.http import BadBody
from api.soap import errors
from api.soap.reading import NotSoap
from campaigns.errors import CampaignConflict, Need, NotReady, UnknownPart
from campaigns.states import CampaignStatus
from tests.api.core_errors import core_errors, made, unreadable_bodies
from tests.examples import for_each


def test_every_core_error_has_an_answer() -> None:
    for error in map(made, core_errors()):
        problem = errors.problem_of(error, send=7, participle="canceled")
        assert problem is not None
        assert problem.text
        assert "{" not in problem.text
        fault = errors.fault_of(error)
        assert fault is not None
        assert fault.kind is errors.FaultKind.CLIENT


def test_every_row_is_for_an_error_of_the_core() -> None:
    assert set(errors.CORE_ANSWERS) <= {each.code for each in core_errors()}


@for_each("kind", [*unreadable_bodies(), NotSoap], ids=lambda kind: kind.__name__)
def test_every_unreadable_body_is_a_fault(kind: type[BadBody]) -> None:
    fault = errors.fault_of(kind())
    assert fault is not None
    assert fault.kind is errors.FaultKind.CLIENT


@for_each("need", Need)
def test_every_missing_part_of_a_send_has_a_code(need: Need) -> None:
    problem = errors.problem_of(NotReady([need]))
    assert problem is not None
    assert 7000 <= problem.code <= 7055
    assert need.value in problem.text


def test_a_conflict_names_the_status_in_the_apis_word() -> None:
    problem = errors.problem_of(CampaignConflict(CampaignStatus.SENT), send=29, participle="paused")
    assert problem is not None
    assert (int(problem.code), problem.text) == (7052, "Send 29 cannot be paused: status is Complete")


def test_each_kind_of_unknown_part_has_its_code() -> None:
    codes = [errors.problem_of(UnknownPart(part)) for part in ("sender", "lists", "suppression_group")]
    assert [int(problem.code) for problem in codes if problem] == [7054, 7002, 7008]


def test_a_fault_of_ours_is_no_answer() -> None:
    assert errors.fault_of(RuntimeError()) is None
    assert errors.problem_of(RuntimeError()) is None
