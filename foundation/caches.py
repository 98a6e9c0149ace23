"""Caches in the memory of a process."""

from __future__ import annotations

from typing import TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(dict[Key, Value]):
    """A dictionary with at most so many keys: it forgets all of them when `[]=` adds one more.

    This costs nothing as long as the same few keys are used, as in all places where it is. It is as safe between
    threads as a dictionary; two threads that add keys at the same time may exceed the number by one.
    """

    __slots__ = ("_most",)

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, key: Key, value: Value) -> None:
        if len(self) >= self._most and key not in self:
            self.clear()
        super().__setitem__(key, value)
