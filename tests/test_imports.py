"""No module imports itself through others, not even inside a function or for types only, and none imports a test."""

from __future__ import annotations

import re
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

TESTS = Path(__file__).parent
PYPROJECT = TESTS.parent / "pyproject.toml"
IMPORT_OF_A_TEST = re.compile(r"^\s*(from|import) (tests|\.)\S*\btest_\w+", re.MULTILINE)


def test_no_module_imports_itself_through_others() -> None:
    packages = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["root_packages"]
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # Raises CycleError, which names the modules of a circle.
    order = list(TopologicalSorter(imports).static_order())
    assert len(order) == len(graph.modules) > 500


def test_helpers_of_tests_are_in_modules_of_their_own() -> None:
    modules = [path for path in TESTS.rglob("*.py") if IMPORT_OF_A_TEST.search(path.read_text())]
    assert modules == []
