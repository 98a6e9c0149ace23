"""List the helpers that templates may use, their kinds and the number of their arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Helper:
    """The places where a helper may be used, and the number of arguments that it takes."""

    is_block: bool
    """The helper begins a block: `{{#name}}`."""
    is_value: bool
    """The helper has a value, which `(name …)` passes to another helper."""
    is_printed: bool
    """The value of the helper may be rendered by `{{name …}}`."""
    fewest: int
    most: int
    named: frozenset[str] = frozenset()
    """The names of its named arguments."""

    @property
    def arguments(self) -> str:
        """Return the number of arguments for a message."""
        if self.fewest == self.most:
            return f"{self.fewest} argument{'s' if self.fewest > 1 else ''}"
        return f"{self.fewest} to {self.most} arguments"


CONDITION: Final = Helper(True, False, False, 1, 1, frozenset({"includeZero"}))
COMPARISON: Final = Helper(True, True, False, 2, 2)
LOGIC: Final = Helper(True, True, False, 2, 20)

HELPERS: Final = {
    "if": CONDITION,
    "unless": CONDITION,
    "each": Helper(True, False, False, 1, 1),
    "equals": COMPARISON,
    "notEquals": COMPARISON,
    "greaterThan": COMPARISON,
    "lessThan": COMPARISON,
    "and": LOGIC,
    "or": LOGIC,
    "length": Helper(False, True, True, 1, 1),
    "insert": Helper(False, True, True, 1, 2),
    "formatDate": Helper(False, True, True, 2, 3),
}
COMPARISONS: Final = frozenset({"equals", "notEquals", "greaterThan", "lessThan"})
REFUSED: Final = frozenset({"with", "lookup", "log", "helperMissing", "blockHelperMissing"})
"""Helpers of handlebars.js that templates may not use."""
