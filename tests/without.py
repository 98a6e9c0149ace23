"""Remove one part of the product, to see the promise that depends on it break."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


def without(patch: pytest.MonkeyPatch, module: ModuleType, statement: str, *conditions: str) -> None:
    """Run a statement of `module` without these parts of it, each of which must be there, and once."""
    text: str = getattr(module, statement)
    for condition in conditions:
        assert text.count(condition) == 1, f"{statement} has no {condition!r} any more: this twin proves nothing"
        text = text.replace(condition, "")
    patch.setattr(module, statement, text)


def unguarded(model: Any) -> Any:
    """Return a model whose `objects.filter` considers the primary key only."""

    def filter_by_key(*, pk: int, **_guards: object) -> Any:
        return model.objects.filter(pk=pk)

    return SimpleNamespace(objects=SimpleNamespace(filter=filter_by_key))
