"""Each API's table of errors has a row for every error that its calls can raise, and one row for all others."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError

from accounts.rates import Allowance
from api.caller import CallerRefused, NoCredentials, RateExceeded, ScopeMissing, UnknownCredentials
from api.easymail import errors as easymail
from api.easymail import urls as easymail_urls
from api.errors import ANY_CALL, CodedErrors
from api.native import errors as native
from api.native import urls as native_urls
from api.sendgrid import errors as sendgrid
from api.sendgrid import urls as sendgrid_urls
from api.soap import errors as soap
from api.soap.operations import OPERATIONS
from tests.api.core_errors import calls_of_views, codes_of_views, codes_raised_by, core_errors, made, unreadable_bodies

CODED = {"native": native.ERRORS, "easymail": easymail.ERRORS}
URLS = {"native": native_urls.urlpatterns, "easymail": easymail_urls.urlpatterns}
NOT_RAISED = {
    # The native API has no limits on stops.
    "native": {"no_stop_place_left", "stop_too_late"},
    "easymail": {
        # Easymail cannot set an editor, an unsubscribe group or link, or an unverified sender.
        *("fixed_field", "two_unsubscribe_links", "unverified_sender", "unknown_group", "unknown_groups_to_display"),
        # A test goes to one address, without a batch, and its message is withdrawn by its own id.
        *("too_many_tests", "unknown_batch", "unknown_message", "message_in_flight"),
        # A campaign's batch is stopped from whatever status it has.
        "status_conflict",
    },
    "soap": {
        *("status_conflict", "search_too_slow"),
        # A Create edits the copy that it has just made, in which every field may be changed.
        *("fixed_field", "foreign_content"),
    },
}
"""The errors that functions of the core can raise, but not for the calls of this API."""
ANSWERED_BY_CODE = {"easymail": {"unknown_part"}}
"""The errors that the API answers without a row."""
AROUND_CALLS = {"unknown_subuser", "bad_idempotency_key", "idempotency_key_reused", "idempotency_in_progress"}
"""The errors that the gate for callers and the care for repeated requests raise, around the calls themselves."""


@pytest.mark.parametrize("api", CODED)
def test_every_error_that_a_call_can_raise_has_a_row(api: str) -> None:
    rows = {code for code, _ in CODED[api].core}
    assert codes_of_views(URLS[api]) - ANSWERED_BY_CODE.get(api, set()) - rows == NOT_RAISED[api]


def test_every_error_that_a_soap_call_can_raise_has_a_row() -> None:
    codes = set[str]().union(*(codes_raised_by(operation.serve) for operation in OPERATIONS.values()))
    assert codes - set(soap.CORE_ANSWERS) == NOT_RAISED["soap"]


@pytest.mark.parametrize("api", CODED)
def test_every_row_is_for_an_error_that_a_call_can_raise(api: str) -> None:
    assert {code for code, _ in CODED[api].core} - codes_of_views(URLS[api]) == AROUND_CALLS


def test_every_row_of_soap_is_for_an_error_that_a_call_can_raise() -> None:
    codes = set[str]().union(*(codes_raised_by(operation.serve) for operation in OPERATIONS.values()))
    assert set(soap.CORE_ANSWERS) - codes == AROUND_CALLS


def test_every_row_of_a_family_of_sendgrids_is_for_an_error_that_a_call_of_it_can_raise() -> None:
    rows, codes = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for pattern in sendgrid_urls.urlpatterns:
        view = getattr(pattern.callback, "cls", None)
        if view is not None:
            family = view.__module__.rpartition(".")[0]
            rows[family] |= {key.rpartition(" ")[2] for key in view.answers}
            codes[family] |= codes_of_views([pattern])
    assert {family: rows[family] - codes[family] for family in rows} == {family: set() for family in rows}
    assert set(sendgrid.COMMON) - set().union(*codes.values()) == AROUND_CALLS


@pytest.mark.parametrize("api", CODED)
def test_every_row_is_for_an_error_of_the_core_and_a_call_of_the_api(api: str) -> None:
    assert {code for code, _ in CODED[api].core} <= {each.code for each in core_errors()}
    assert {call for _, call in CODED[api].core} - {ANY_CALL} <= calls_of_views(URLS[api])


@pytest.mark.parametrize("api", CODED)
def test_every_error_has_an_answer(api: str) -> None:
    table: CodedErrors = CODED[api]
    errors: list[Exception] = [*map(made, core_errors()), *(kind() for kind in unreadable_bodies())]
    for error in errors:
        refusal = table.answer_for(error, "GET anything", seconds=10)
        assert refusal is not None, error
        assert 400 <= refusal.status < 500 or (refusal.status, error.code) == (503, "search_too_slow")  # type: ignore[attr-defined]
        assert re.fullmatch("[A-Z][A-Z_]+", refusal.code)
        assert "{" not in refusal.message


@pytest.mark.parametrize("api", CODED)
def test_an_error_without_a_row_is_a_conflict(api: str) -> None:
    error = made(next(each for each in core_errors() if each.code == "group_name_taken"))
    refusal = CODED[api].answer_for(error, "GET anything")
    assert refusal is not None
    assert (refusal.status, refusal.code) == (409, "CONFLICT")
    assert refusal.message.startswith("This cannot be done now: so it is")


CALLERS: list[tuple[CallerRefused, int]] = [
    (NoCredentials(), 401),
    (UnknownCredentials(), 401),
    (ScopeMissing("mail.send"), 403),
    (RateExceeded(Allowance(1, 2, 0)), 429),
]


@pytest.mark.parametrize("api", CODED)
def test_a_caller_that_is_not_let_in_gets_the_answer_of_the_status(api: str) -> None:
    refusals = [(CODED[api].answer_for(error, "GET anything"), status) for error, status in CALLERS]
    assert [refusal and refusal.status for refusal, _ in refusals] == [status for _, status in refusals]


@pytest.mark.parametrize("api", CODED)
@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_a_database_that_is_away_is_503(api: str, error: Exception) -> None:
    refusal = CODED[api].answer_for(error, "GET anything")
    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("api", CODED)
def test_any_other_exception_is_a_fault_of_ours(api: str) -> None:
    answers: Any = CODED[api].answer_for(RuntimeError(), "GET anything")
    assert answers is None
