"""Old names of the gate for callers, for modules that still import them from here."""

from __future__ import annotations

from api.caller import Needed, needing

__all__ = ["Needed", "needing"]
