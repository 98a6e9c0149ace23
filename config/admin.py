"""Define the look of the admin and its sidebar, as unfold reads them. This module must not need the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from django.http import HttpRequest
from django.urls import reverse


def may(permission: str) -> Callable[[HttpRequest], bool]:
    """Return a test whether the operator has a permission, without which an entry of the sidebar is hidden."""
    return lambda request: request.user.has_perm(permission)


class Entry(NamedTuple):
    """An entry of the sidebar: its page, and the test that shows it to an operator, or the path of this test.

    `icon` is a Material Symbol.
    """

    title: str
    icon: str
    route: str
    test: Callable[[HttpRequest], bool] | str = ""

    def draw(self) -> dict[str, Any]:
        """Return the entry as unfold reads it."""
        shown = {"permission": self.test} if self.test else {}
        return {"title": self.title, "icon": self.icon, "link": reverse(self.route), **shown}


IN_HAND: Final = Entry("Mail in hand", "front_hand", "in_hand", may("mailer.view_message"))
GROUPS: Final = {
    "": (
        Entry("Now", "monitor_heart", "admin:index"),
        Entry("Stop", "pan_tool", "stop", may("batches.view_batch")),
        Entry("Overview", "monitoring", "overview", may("batches.view_batch")),
        Entry("Fleet", "dns", "fleet", may("batches.view_batch")),
    ),
    "Mail": (
        Entry("Batches", "inventory_2", "admin:batches_batch_changelist", may("batches.view_batch")),
        Entry("Waves", "waves", "waves", may("batches.view_batch")),
        Entry("Messages", "mail", "admin:mailer_message_changelist", may("mailer.view_message")),
        IN_HAND,
        Entry("Failures", "error", "failures", may("mailer.view_message")),
        Entry("Receipts", "receipt_long", "admin:batches_receipt_changelist", may("batches.view_receipt")),
        Entry("Inbox", "inbox", "inbox", "mailer.inbox.views.may_see_inbox"),
    ),
    "Campaigns": (
        Entry("Campaigns", "campaign", "admin:campaigns_campaign_changelist", may("campaigns.view_campaign")),
        Entry("Contacts", "contacts", "admin:audience_contact_changelist", may("audience.view_contact")),
        Entry("Lists", "list_alt", "admin:audience_contactlist_changelist", may("audience.view_contactlist")),
        Entry("Segments", "filter_alt", "admin:audience_segment_changelist", may("audience.view_segment")),
        Entry("Imports", "upload_file", "admin:audience_job_changelist", may("audience.view_job")),
        Entry("Senders", "alternate_email", "admin:campaigns_sender_changelist", may("campaigns.view_sender")),
        Entry(
            "Unsubscribe groups",
            "unsubscribe",
            "admin:mailer_unsubscribegroup_changelist",
            may("mailer.view_unsubscribegroup"),
        ),
        Entry("Terms", "speed", "admin:campaigns_accountterms_changelist", may("campaigns.view_accountterms")),
    ),
    "Content": (
        Entry("Templates", "description", "admin:content_template_changelist", may("content.view_template")),
        Entry("Designs", "palette", "admin:content_design_changelist", may("content.view_design")),
        Entry("Mail settings", "tune", "admin:content_mailsettings_changelist", may("content.view_mailsettings")),
    ),
    "Tenants": (
        Entry("Accounts", "apartment", "admin:accounts_account_changelist", may("accounts.view_account")),
        Entry("API keys", "key", "admin:accounts_apikey_changelist", may("accounts.view_apikey")),
        Entry("Webhooks", "webhook", "admin:events_endpoint_changelist", may("events.view_endpoint")),
    ),
    "Installation": (
        Entry("Activity", "history", "activity", "console.activity.page.may_see_activity"),
        Entry("Operators", "person", "admin:auth_user_changelist", may("auth.view_user")),
        Entry("Groups", "group", "admin:auth_group_changelist", may("auth.view_group")),
        Entry(
            "Periodic tasks",
            "schedule",
            "admin:django_celery_beat_periodictask_changelist",
            may("django_celery_beat.view_periodictask"),
        ),
    ),
}
"""The groups of the sidebar, by their titles."""


def navigate(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar as unfold reads them, with the number of messages in hand."""
    from console.header import count_in_hand

    number = count_in_hand(request)
    badges = {IN_HAND: {"badge": number}} if number else {}
    return [
        {
            **({"title": title} if title else {}),
            "items": [{**entry.draw(), **badges.get(entry, {})} for entry in entries],
        }
        for title, entries in GROUPS.items()
    ]


FAVICON = (
    "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
    "<rect width='16' height='16' rx='4' fill='%232563eb'/>"
    "<path d='M3 6q2.500-2 5 0t5 0M3 10q2.500-2 5 0t5 0' fill='none' stroke='white' stroke-width='1.500'/></svg>"
)
BLUE = {
    "50": "oklch(97% .014 254.604)",
    "100": "oklch(93.2% .032 255.585)",
    "200": "oklch(88.2% .059 254.128)",
    "300": "oklch(80.9% .105 251.813)",
    "400": "oklch(70.7% .165 254.624)",
    "500": "oklch(62.3% .214 259.815)",
    "600": "oklch(54.6% .245 262.881)",
    "700": "oklch(48.8% .243 264.376)",
    "800": "oklch(42.4% .199 265.638)",
    "900": "oklch(37.9% .146 265.522)",
    "950": "oklch(28.2% .091 267.935)",
}

UNFOLD = {
    "SITE_TITLE": "Sluice",
    "SITE_HEADER": "Sluice",
    "SITE_SUBHEADER": "Mail that waits for its time",
    "SITE_SYMBOL": "water",
    "SITE_URL": None,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": FAVICON}],
    "COLORS": {"primary": BLUE},
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COMMAND": {"search_callback": "console.stop.palette.search_palette"},
    "LOGIN": {"form": "config.signin.SignInForm"},
    "SIDEBAR": {"navigation": navigate},
}
