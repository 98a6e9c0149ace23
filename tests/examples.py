"""Choose the number of examples that tests try: by default a few, which are always the same.

`HYPOTHESIS_PROFILE=large ./sluice test …` tries many new ones in property tests. `./sluice test --all` tries all
values of the tests that have `few_by_default`, and the tests that are `further` ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import Signature
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

Test = TypeVar("Test", bound=Callable[..., object])
IS_LARGE = os.environ.get("HYPOTHESIS_PROFILE") == "large"
LARGE_FACTOR = 50
MARKS = [pytest.mark.large, pytest.mark.walk]
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
"""On a busy machine a value may take long to draw, which says nothing about the code."""


def examples(count: int) -> int:
    """Return the number of examples to try where `count` are enough by default."""
    return count * LARGE_FACTOR if IS_LARGE else count


def few_by_default(values: Iterable[Any], *few: Any) -> list[Any]:
    """Return the parameters of a test that tries these few values by default, and the others as large tests."""
    return [value if value in few else pytest.param(value, marks=MARKS) for value in values]


def few_rows_by_default(rows: Iterable[tuple[Any, ...]], *few: tuple[Any, ...]) -> list[Any]:
    """Return the same for a test with several parameters, which are the items of a row."""
    return [row if row in few else pytest.param(*row, marks=MARKS) for row in rows]


def for_each(
    names: str | tuple[str, ...], rows: Iterable[Any], ids: Iterable[str] | Callable[[Any], object] = repr
) -> Callable[[Callable[..., None]], Callable[[], None]]:
    """Walk a table in one test, which reports all rows that fail. It takes the place of pytest's `parametrize`.

    A row that is a test of its own costs six milliseconds of CPU in all processes together, which is more than what
    most rows do. The test has no fixtures, so that no row sees what another one has left.
    """
    table = [(row,) if isinstance(names, str) else tuple(row) for row in rows]
    labels = [", ".join(str(ids(value)) for value in row) for row in table] if callable(ids) else list(ids)
    parameters = (names,) if isinstance(names, str) else names
    assert table, "no rows"

    def decorate(test: Callable[..., None]) -> Callable[[], None]:
        @wraps(test)
        def walk() -> None:
            failures: list[BaseException] = []
            for label, row in zip(labels, table, strict=True):
                try:
                    test(**dict(zip(parameters, row, strict=True)))
                except (Exception, pytest.fail.Exception) as failure:
                    failure.add_note(f"This is the row {label}.")
                    failures.append(failure)
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(table)} rows failed", failures)

        walk.__signature__ = Signature()  # type: ignore[attr-defined]
        return walk

    return decorate


def further(test: Test) -> Test:
    """Mark a test of one more case of what the suite tests by default. It runs with the large tests."""
    return pytest.mark.large(pytest.mark.walk(test))


def load_profile() -> None:
    """Set the defaults of all property tests."""
    settings.register_profile("small", max_examples=40, derandomize=True, database=None, **PATIENT)
    settings.register_profile("large", max_examples=examples(40), **PATIENT)
    settings.load_profile("large" if IS_LARGE else "small")
