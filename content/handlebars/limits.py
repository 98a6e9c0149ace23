"""Limit one rendering, and count what it has used."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from content.handlebars.errors import RenderError

STEPS_BETWEEN_LOOKS: Final = 1_000
"""The output and the clock are looked at once in this many steps. Most templates need fewer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one rendering, which fails with RenderError when it exceeds one of them."""

    characters: int = 10_000_000
    """Characters of output."""
    steps: int = 1_000_000
    """Tags that iterations render, and elements of arrays that are printed or compared."""
    seconds: float = 2.0
    """Seconds of CPU time of this thread, measured from the thousandth step."""


DEFAULT: Final = Limits()


class Run:
    """One rendering: its data, its output so far, and the remaining part of its limits."""

    __slots__ = ("characters", "ends_at", "limits", "look_at", "out", "root", "seen", "steps")

    def __init__(self, root: dict[str, Any], limits: Limits) -> None:
        self.root = root
        self.limits = limits
        self.out: list[str] = []
        self.steps = limits.steps
        self.look_at = max(0, limits.steps - STEPS_BETWEEN_LOOKS)
        self.characters = limits.characters
        self.seen = 0
        self.ends_at: float | None = None

    def charge(self, steps: int) -> None:
        """Count steps. Raises RenderError when there were too many."""
        self.steps -= steps
        if self.steps < self.look_at:
            self.look()

    def require(self, steps: int) -> None:
        """Raise RenderError when fewer steps than these are left."""
        if steps > self.steps:
            raise RenderError(f"The template takes more than {self.limits.steps:,} steps with this data.")

    def look(self) -> None:
        """Check the output and the time since the last look. Raises RenderError when a limit is exceeded."""
        self.require(0)
        self.look_at = max(0, self.steps - STEPS_BETWEEN_LOOKS)
        self.count(sum(map(len, self.out[self.seen :])))
        self.seen = len(self.out)
        now = time.thread_time()
        if self.ends_at is None:
            self.ends_at = now + self.limits.seconds
        elif now > self.ends_at:
            raise RenderError(f"The template takes more than {self.limits.seconds:g} s with this data.")

    def count(self, characters: int) -> None:
        """Count characters of output. Raises RenderError when there were too many."""
        self.characters -= characters
        if self.characters < 0:
            raise RenderError(f"The template renders more than {self.limits.characters:,} characters with this data.")

    def text(self) -> str:
        """Return the output. Raises RenderError when it is too long."""
        self.count(sum(map(len, self.out[self.seen :] if self.seen else self.out)))
        return "".join(self.out)
