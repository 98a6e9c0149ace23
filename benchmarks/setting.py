"""Define the extent of a measurement: complete, or quick to see that it works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    is_quick: bool = False
    """Small sizes, one round, no peers, no targets."""
    rounds: int = 3
    """The number of rounds of comparisons with others."""
    arguments: tuple[str, ...] = ()
    """The arguments of a case."""

    def size(self, full: int, *, quick: int) -> int:
        return quick if self.is_quick else full

    def sizes(self, full: int, *, quick: int) -> list[int]:
        """Return three sizes up to `full`, each three times as large as the one before."""
        largest = self.size(full, quick=quick)
        return [largest // 9, largest // 3, largest]

    def count(self, full: int) -> int:
        """Return how often something is done."""
        return 1 if self.is_quick else full
