"""Recognize what a JSON text may hold and PostgreSQL cannot store as JSON."""

from __future__ import annotations

import math
from typing import Any


def has_nul(body: bytes) -> bool:
    """Return whether a string in a JSON text has a NUL: the escape u0000 behind a backslash that is not escaped itself.

    Two plain searches are used, because a regular expression that counts backslashes needs 34 times the memory of the
    body.
    """
    return b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b"__")


def has_infinity(value: Any) -> bool:
    """Return whether a value of JSON has a number such as 1e999, which the parser reads as infinite.

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
