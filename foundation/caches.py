"""Cache values in the memory of a process."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(dict[Key, Value]):
    """A dictionary with a limited number of keys: it forgets all of them when `[]=` adds one more.

    This costs nothing as long as the same few keys are used, as everywhere in this program. A cache is as safe between
    threads as a dictionary. Two threads that add keys at the same time may exceed the limit by one.
    """

    __slots__ = ("_limit",)

    def __init__(self, limit: int) -> None:
        super().__init__()
        self._limit = limit

    def __setitem__(self, key: Key, value: Value) -> None:
        if len(self) >= self._limit and key not in self:
            self.clear()
        super().__setitem__(key, value)
