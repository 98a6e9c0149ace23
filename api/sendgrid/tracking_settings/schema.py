"""Describe the calls of `tracking_settings/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import extend_schema_view

from api.openapi import FLAG, TEXT, Piece, Reply, component, record
from api.sendgrid.mail_settings.schema import describe_setting
from api.sendgrid.words import call
from api.without_effect import WithoutEffect
from campaigns.links import URL_LENGTH
from content.settings import LINE_LENGTH

TRACKING = "SendGrid: tracking settings"
LINE: Piece = {**TEXT, "maxLength": LINE_LENGTH}
ANALYTICS: dict[str, Piece] = {
    "enabled": FLAG,
    **dict.fromkeys(("utm_source", "utm_medium", "utm_term", "utm_content", "utm_campaign"), LINE),
}
SUBSCRIPTION: dict[str, Piece] = {
    "enabled": FLAG,
    "html_content": {**TEXT, "example": "<p><% Leave this list %></p>"},
    "plain_content": {**TEXT, "example": "Leave this list: <% %>"},
    "landing": TEXT,
    "replace": {**LINE, "example": "[unsubscribe_url]"},
    "url": {**TEXT, "maxLength": URL_LENGTH},
}

COMPONENTS: dict[str, Piece] = {
    "ClickTrackingSetting": record(enabled=FLAG, enable_text=FLAG),
    "OpenTrackingSetting": record(enabled=FLAG),
    "GoogleAnalyticsSetting": record(**ANALYTICS),
    "SubscriptionTrackingSetting": record(**SUBSCRIPTION),
}

WITHOUT_EFFECT: Final = (
    WithoutEffect(
        ("change_subscription_tracking",),
        ("landing", "url"),
        "Recipients unsubscribe on the page of the installation.",
        is_kept=True,
    ),
)

SWITCH: Piece = {"type": "object", "properties": {"enabled": FLAG}}

settings = extend_schema_view(
    get=call(
        "list_tracking_settings",
        "List the tracking settings, and whether they are enabled",
        tag=TRACKING,
        replies={200: Reply("The settings.", component("SettingSummaries"))},
    ),
)
click = describe_setting("click_tracking", "click tracking", SWITCH, "ClickTrackingSetting", tag=TRACKING)
open_ = describe_setting("open_tracking", "open tracking", SWITCH, "OpenTrackingSetting", tag=TRACKING)
google_analytics = describe_setting(
    "google_analytics",
    "Google Analytics",
    {"type": "object", "properties": ANALYTICS},
    "GoogleAnalyticsSetting",
    tag=TRACKING,
)
subscription = describe_setting(
    "subscription_tracking",
    "subscription tracking",
    {"type": "object", "properties": SUBSCRIPTION},
    "SubscriptionTrackingSetting",
    tag=TRACKING,
)
