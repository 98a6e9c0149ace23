"""While the database is away, callers are told to retry, and no server error is reported."""

from __future__ import annotations

from django.db import InterfaceError, OperationalError

from api.sendgrid import errors


def test_a_database_that_is_away_is_503() -> None:
    for error in (OperationalError("gone"), InterfaceError("closed")):
        refusal = errors.answer_for(error)
        assert refusal is not None
        assert refusal.status == 503
        assert [problem.message for problem in refusal.problems] == ["service unavailable"]
