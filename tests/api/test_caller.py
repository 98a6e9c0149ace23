"""The gate for callers is the only place of the APIs that finds keys, counts requests and acts for subusers."""

from __future__ import annotations

import ast
from pathlib import Path

API = Path(__file__).resolve().parents[2] / "api"
STEPS = {"find_key", "find_living", "find_key_of", "recall_key", "count_request", "find_subuser", "is_locked"}


def names_in(path: Path) -> set[str]:
    """Return the names that a module imports or looks up in another module."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
    return names


def test_no_other_module_takes_a_step_of_the_gate() -> None:
    steps = {str(path.relative_to(API)): names_in(path) & STEPS for path in API.rglob("*.py")}
    assert {path: names for path, names in steps.items() if names} == {"caller.py": STEPS}
