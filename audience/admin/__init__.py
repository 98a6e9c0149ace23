"""Register the admin pages of contacts, lists, segments and jobs."""

from __future__ import annotations

from audience.admin import refusals  # noqa: F401  (registers its texts for all pages)
from audience.admin.contacts import ContactAdmin
from audience.admin.jobs import JobAdmin
from audience.admin.lists import ContactListAdmin
from audience.admin.segments import SegmentAdmin

__all__ = ["ContactAdmin", "ContactListAdmin", "JobAdmin", "SegmentAdmin"]
