"""The number of examples that tests try: by default a few, which are always the same.

`HYPOTHESIS_PROFILE=large ./sluice test …` tries many new ones in property tests. `./sluice test --all` tries all
values of the tests that have `few_by_default`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

IS_LARGE = os.environ.get("HYPOTHESIS_PROFILE") == "large"
LARGE_FACTOR = 50
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
"""On a busy machine a value may take long to draw, which says nothing about the code."""


def examples(count: int) -> int:
    """Return the number of examples to try where `count` are enough by default."""
    return count * LARGE_FACTOR if IS_LARGE else count


def few_by_default(values: Iterable[Any], *few: Any) -> list[Any]:
    """Return the parameters of a test that tries these few values by default, and the others as large tests."""
    marks = [pytest.mark.large, pytest.mark.walk]
    return [value if value in few else pytest.param(value, marks=marks) for value in values]


def load_profile() -> None:
    """Set the defaults of all property tests."""
    settings.register_profile("small", max_examples=40, derandomize=True, database=None, **PATIENT)
    settings.register_profile("large", max_examples=examples(40), **PATIENT)
    settings.load_profile("large" if IS_LARGE else "small")
