"""Define a fault: a generator that breaks a part at its first step and heals it at its second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chaos.site import Site

Steps = Callable[[Site], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. Two faults with the same `target` never overlap."""

    name: str
    target: str
    seconds: tuple[float, float]
    steps: Steps
