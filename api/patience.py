"""Old name of `campaigns.patience`, for modules that still import from here."""

from __future__ import annotations

from campaigns.patience import patiently

__all__ = ["patiently"]
