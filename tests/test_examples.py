"""Test tables that one test walks (tests/examples.py)."""

from __future__ import annotations

import pytest

from tests.examples import for_each


def test_every_row_is_tried_and_each_failure_names_its_row() -> None:
    tried = []

    @for_each(("number", "limit"), [(1, 2), (3, 2), (2, 2)])
    def walk(number: int, limit: int) -> None:
        tried.append(number)
        assert number < limit

    with pytest.raises(BaseExceptionGroup, match="2 of 3 rows") as failed:
        walk()
    assert tried == [1, 3, 2]
    assert [error.__notes__ for error in failed.value.exceptions] == [
        ["This is the row 3, 2."],
        ["This is the row 2, 2."],
    ]
