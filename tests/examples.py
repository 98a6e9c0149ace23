"""The number of examples that property tests try: few and always the same ones, or many new ones.

`HYPOTHESIS_PROFILE=large ./sluice test …` tries many new ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

IS_LARGE = os.environ.get("HYPOTHESIS_PROFILE") == "large"
LARGE_FACTOR = 50
PATIENT = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}
"""On a busy machine a value may take long to draw, which says nothing about the code."""


def examples(count: int) -> int:
    """Return the number of examples to try where `count` are enough by default."""
    return count * LARGE_FACTOR if IS_LARGE else count


def load_profile() -> None:
    """Set the defaults of all property tests."""
    settings.register_profile("small", max_examples=40, derandomize=True, database=None, **PATIENT)
    settings.register_profile("large", max_examples=examples(40), **PATIENT)
    settings.load_profile("large" if IS_LARGE else "small")
