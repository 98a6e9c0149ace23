"""Folders that the user PostgreSQL runs as can reach: pytest's tmp_path is closed to others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.folders import temporary_folder


@pytest.fixture(scope="module")
def used_state() -> Iterator[Path]:
    """A state folder that goes from test to test of a file, so that its cluster is made once."""
    with temporary_folder("sluice-stack-test-") as (folder, _lock):
        (folder / "state").mkdir(mode=0o711)
        yield folder / "state"
