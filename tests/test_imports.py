"""No module imports itself through others, not even inside a function or for types only."""

from __future__ import annotations

import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def test_no_module_imports_itself_through_others() -> None:
    packages = tomllib.loads(PYPROJECT.read_text())["tool"]["importlinter"]["root_packages"]
    graph = grimp.build_graph(*packages, cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    # Raises CycleError, which names the modules of a circle.
    order = list(TopologicalSorter(imports).static_order())
    assert len(order) == len(graph.modules) > 500
