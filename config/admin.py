"""Define the look of the admin and its sidebar, as unfold reads them. This module must not need the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


def may(permission: str) -> Callable[[HttpRequest], bool]:
    """Return a test whether the operator has a permission, without which an entry of the sidebar is hidden."""
    return lambda request: request.user.has_perm(permission)


def entry(title: str, icon: str, route: str, permission: str) -> dict[str, Any]:
    """Return the sidebar entry of a page. `icon` is a Material Symbol."""
    return {"title": title, "icon": icon, "link": reverse(route), "permission": may(permission)}


def navigate(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar."""
    from console.header import count_in_hand

    in_hand = entry("Mail in hand", "front_hand", "in_hand", "mailer.view_message")
    if number := count_in_hand(request):
        in_hand["badge"] = number
    return [
        {
            "items": [
                {"title": "Now", "icon": "monitor_heart", "link": reverse("admin:index")},
                entry("Stop", "pan_tool", "stop", "batches.view_batch"),
                entry("Overview", "monitoring", "overview", "batches.view_batch"),
                entry("Fleet", "dns", "fleet", "batches.view_batch"),
            ]
        },
        {
            "title": "Mail",
            "items": [
                entry("Batches", "inventory_2", "admin:batches_batch_changelist", "batches.view_batch"),
                entry("Waves", "waves", "waves", "batches.view_batch"),
                entry("Messages", "mail", "admin:mailer_message_changelist", "mailer.view_message"),
                in_hand,
                entry("Failures", "error", "failures", "mailer.view_message"),
                entry("Receipts", "receipt_long", "admin:batches_receipt_changelist", "batches.view_receipt"),
                {
                    "title": "Inbox",
                    "icon": "inbox",
                    "link": reverse("inbox"),
                    "permission": "mailer.inbox.views.may_see_inbox",
                },
            ],
        },
        {
            "title": "Campaigns",
            "items": [
                entry("Campaigns", "campaign", "admin:campaigns_campaign_changelist", "campaigns.view_campaign"),
                entry("Contacts", "contacts", "admin:audience_contact_changelist", "audience.view_contact"),
                entry("Lists", "list_alt", "admin:audience_contactlist_changelist", "audience.view_contactlist"),
                entry("Segments", "filter_alt", "admin:audience_segment_changelist", "audience.view_segment"),
                entry("Imports", "upload_file", "admin:audience_job_changelist", "audience.view_job"),
                entry("Senders", "alternate_email", "admin:campaigns_sender_changelist", "campaigns.view_sender"),
                entry(
                    "Unsubscribe groups",
                    "unsubscribe",
                    "admin:mailer_unsubscribegroup_changelist",
                    "mailer.view_unsubscribegroup",
                ),
                entry("Terms", "speed", "admin:campaigns_accountterms_changelist", "campaigns.view_accountterms"),
            ],
        },
        {
            "title": "Content",
            "items": [
                entry("Templates", "description", "admin:content_template_changelist", "content.view_template"),
                entry("Designs", "palette", "admin:content_design_changelist", "content.view_design"),
                entry("Mail settings", "tune", "admin:content_mailsettings_changelist", "content.view_mailsettings"),
            ],
        },
        {
            "title": "Tenants",
            "items": [
                entry("Accounts", "apartment", "admin:accounts_account_changelist", "accounts.view_account"),
                entry("API keys", "key", "admin:accounts_apikey_changelist", "accounts.view_apikey"),
                entry("Webhooks", "webhook", "admin:events_endpoint_changelist", "events.view_endpoint"),
            ],
        },
        {
            "title": "Installation",
            "items": [
                {
                    "title": "Activity",
                    "icon": "history",
                    "link": reverse("activity"),
                    "permission": "console.activity.page.may_see_activity",
                },
                entry("Operators", "person", "admin:auth_user_changelist", "auth.view_user"),
                entry("Groups", "group", "admin:auth_group_changelist", "auth.view_group"),
                entry(
                    "Periodic tasks",
                    "schedule",
                    "admin:django_celery_beat_periodictask_changelist",
                    "django_celery_beat.view_periodictask",
                ),
            ],
        },
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
