"""Recognize numbers in a JSON text that PostgreSQL cannot store as JSON."""

from __future__ import annotations

import math
from typing import Any


def has_infinity(value: Any) -> bool:
    """Return whether a JSON value has a number such as 1e999, which the parser reads as infinite.

    JSON cannot express an infinite number, so it cannot be stored as JSON either.
    """
    nodes = [value]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            nodes.extend(node.values())
        elif isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, float) and math.isinf(node):
            return True
    return False
