"""The admin's pages of campaigns and their audience: a form for what may be edited, and buttons for the moves, which
call the functions that the APIs call."""

from campaigns.admin import refusals  # noqa: F401  (its words are for all pages)
from campaigns.admin.campaigns import CampaignAdmin
from campaigns.admin.contacts import ContactAdmin
from campaigns.admin.jobs import JobAdmin
from campaigns.admin.lists import ContactListAdmin
from campaigns.admin.segments import SegmentAdmin
from campaigns.admin.senders import SenderAdmin
from campaigns.admin.terms import AccountTermsAdmin

__all__ = [
    "AccountTermsAdmin",
    "CampaignAdmin",
    "ContactAdmin",
    "ContactListAdmin",
    "JobAdmin",
    "SegmentAdmin",
    "SenderAdmin",
]
