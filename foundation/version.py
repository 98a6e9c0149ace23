"""Define the version of the product. A test compares it with `pyproject.toml`, which is not part of an installation."""

from __future__ import annotations

VERSION = "0.1.0"
