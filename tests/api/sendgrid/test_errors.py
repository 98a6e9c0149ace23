"""The table of errors is complete: every error of the core has its answer in this API."""

from __future__ import annotations

import pytest

from api.http import BadBody
from api.sendgrid import errors
from foundation.errors import SluiceError
from tests.api.core_errors import core_errors, unreadable_bodies


def test_there_are_core_errors_to_walk() -> None:
    assert {"unknown_batch", "unknown_key"} <= {each.code for each in core_errors()}


@pytest.mark.parametrize("kind", core_errors(), ids=lambda kind: kind.__name__)
def test_every_core_error_has_an_answer(kind: type[SluiceError]) -> None:
    error = kind.__new__(kind)
    SluiceError.__init__(error)
    error.__dict__ |= {"scopes": [], "ids": ()}
    refusal = errors.answer_for(error, "GET anything")
    assert refusal is not None
    assert 400 <= refusal.status < 500
    assert refusal.problems[0].message
    assert "{" not in refusal.problems[0].message


def test_every_row_of_the_table_is_used() -> None:
    assert {code for code, _ in errors.CORE_ANSWERS} == {each.code for each in core_errors()}


@pytest.mark.parametrize("call", [errors.MAIL_SEND, "GET anything"])
@pytest.mark.parametrize("kind", unreadable_bodies(), ids=lambda kind: kind.__name__)
def test_every_unreadable_body_has_an_answer(kind: type[BadBody], call: str) -> None:
    refusal = errors.answer_for(kind(), call)
    assert refusal is not None
    assert 400 <= refusal.status < 500


def test_an_error_outside_the_table_is_an_internal_error() -> None:
    assert errors.answer_for(RuntimeError(), errors.MAIL_SEND) is None
