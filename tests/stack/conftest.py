"""Provide folders that the user of PostgreSQL can read; pytest's tmp_path has stricter permissions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.folders import temporary_folder


@pytest.fixture(scope="module")
def used_state() -> Iterator[Path]:
    """Create a state folder that all tests of a file share, so that its cluster is made once."""
    with temporary_folder("sluice-stack-test-") as (folder, _lock):
        (folder / "state").mkdir(mode=0o711)
        yield folder / "state"
