"""Run axe-core, which finds faults of accessibility in a page. It is installed from npm at its first use."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from playwright.sync_api import Page

from stack import ROOT
from stack.downloads import install_from_npm, provide

VERSION: Final = "4.14.1"
FOLDER: Final = ROOT / ".state" / "npm"
GRAVE: Final = {"serious", "critical"}
STRUCTURE: Final = {"landmark-one-main", "page-has-heading-one", "region"}
"""Rules that axe calls moderate, and that a person with a screen reader needs to find the way around a page."""
COLOURS: Final = ["color-contrast", "link-in-text-block"]


@cache
def axe_source() -> str:
    """Return the script of axe-core. Raises Unavailable."""
    folder = provide(f"axe-core-{VERSION}", lambda fresh: install_from_npm(fresh, {"axe-core": VERSION}), below=FOLDER)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def find_faults(page: Page, *, only_colours: bool = False) -> list[str]:
    """Return the grave faults of the page as it is shown now, and those of its structure."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(axe_source())
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if only_colours:
        options["runOnly"] = COLOURS
    violations = page.evaluate("options => axe.run(document, options)", options)["violations"]
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in violations
        if violation["impact"] in GRAVE or violation["id"] in STRUCTURE
        for node in violation["nodes"][:3]
    ]
