"""The table of errors is complete: every error of the core has its answer in this API."""

from __future__ import annotations

import re

import pytest
from django.db import InterfaceError, OperationalError

from api.http import BadBody
from api.native import errors
from foundation.errors import SluiceError
from tests.api.core_errors import core_errors, unreadable_bodies


def test_every_core_error_has_an_answer(subtests: pytest.Subtests) -> None:
    for kind in core_errors():
        with subtests.test(kind=kind):
            error = kind.__new__(kind)
            SluiceError.__init__(error, "so it is")
            refusal = errors.answer_for(error, "anything")
            assert refusal is not None
            assert 400 <= refusal.status < 500
            assert re.fullmatch("[A-Z][A-Z_]+", refusal.code)
            assert "{" not in refusal.message


def test_every_row_of_the_table_is_used() -> None:
    assert {code for code, _ in errors.CORE_ANSWERS} == {each.code for each in core_errors()}


@pytest.mark.parametrize("kind", unreadable_bodies(), ids=lambda kind: kind.__name__)
def test_every_unreadable_body_has_an_answer(kind: type[BadBody]) -> None:
    refusal = errors.answer_for(kind(), "anything")
    assert refusal is not None
    assert 400 <= refusal.status < 500


def test_a_database_that_is_away_is_503() -> None:
    for error in (OperationalError("gone"), InterfaceError("closed")):
        refusal = errors.answer_for(error, "anything")
        assert refusal is not None
        assert (refusal.status, refusal.code) == (503, "UNAVAILABLE")


def test_an_error_outside_the_table_is_an_internal_error() -> None:
    assert errors.answer_for(RuntimeError(), "anything") is None
