"""List the beginnings of cells that spreadsheets compute."""

from __future__ import annotations

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""The first characters of cells that spreadsheets read as formulas, with their full-width forms."""
