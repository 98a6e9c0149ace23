"""Every test that docs/reliability.md names for a promise exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text()


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"(tests/[\w/]+\.py)::(test_\w+)", PAGE)
    assert len(named) == PAGE.count("::test_") > 50
    for name, test in named:
        assert f"def {test}(" in (ROOT / name).read_text(), f"{name}::{test}"
