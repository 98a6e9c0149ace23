"""Describe the calls of `mail_settings/views.py` in the OpenAPI document."""

from __future__ import annotations

from typing import Final

from drf_spectacular.utils import OpenApiParameter, extend_schema_view

from api.openapi import FLAG, NUMBER, TEXT, Describe, Piece, Reply, component, list_of, nullable, record
from api.sendgrid.words import call
from api.without_effect import WithoutEffect
from content.settings import ENTRY_LENGTH, MOST_DAYS, WHITELIST_ENTRIES

SETTINGS = "SendGrid: mail settings"
SUMMARY = record(name=TEXT, title=TEXT, description=TEXT, enabled=FLAG)
DAYS: Piece = nullable({**NUMBER, "minimum": 1, "maximum": MOST_DAYS})

COMPONENTS: dict[str, Piece] = {
    "AddressWhitelistSetting": record(
        enabled=FLAG, list={**list_of({**TEXT, "maxLength": ENTRY_LENGTH}), "maxItems": WHITELIST_ENTRIES}
    ),
    "BouncePurgeSetting": record(enabled=FLAG, soft_bounces=DAYS, hard_bounces=DAYS),
    "FooterSetting": record(enabled=FLAG, html_content=TEXT, plain_content=TEXT),
    "ForwardBounceSetting": record(enabled=FLAG, email=nullable(TEXT)),
    "ForwardSpamSetting": record(enabled=FLAG, email=TEXT),
    "TemplateSetting": record(
        enabled=FLAG,
        html_content={
            **TEXT,
            "example": "<p><% body %></p>",
            "description": "HTML in which `<% body %>` is replaced with that of the mail.",
        },
    ),
    "SettingSummaries": record(result=list_of(SUMMARY)),
}

WITHOUT_EFFECT: Final = (
    WithoutEffect(
        ("change_forward_bounce", "change_forward_spam"),
        ("enabled", "email"),
        "Bounces and spam reports are not received as mail, and are not forwarded.",
        is_kept=True,
    ),
)


def change_of(name: str) -> Piece:
    """Return the body that changes a setting: any of its parts."""
    return {"type": "object", "properties": COMPONENTS[name]["properties"]}


def part(name: str, lowest: int, description: str) -> OpenApiParameter:
    """Return a parameter that selects a part of the list."""
    return OpenApiParameter(name, {**NUMBER, "minimum": lowest, "maximum": 10**12}, description=description)


def describe_setting(name: str, words: str, body: Piece, setting: str, *, tag: str = SETTINGS) -> Describe:
    """Describe the calls that read and change a setting."""
    return extend_schema_view(
        get=call(
            f"get_{name}",
            f"Get the setting of {words}",
            tag=tag,
            replies={200: Reply("The setting.", component(setting))},
        ),
        patch=call(
            f"change_{name}",
            f"Change the given parts of the setting of {words}",
            tag=tag,
            body=body,
            replies={200: Reply("The changed setting.", component(setting))},
        ),
    )


settings = extend_schema_view(
    get=call(
        "list_mail_settings",
        "List the mail settings, and whether they are enabled",
        tag=SETTINGS,
        query=[
            part("limit", 1, "The largest number of entries in the response."),
            part("offset", 0, "The number of entries before the first one in the response."),
        ],
        replies={200: Reply("The settings.", component("SettingSummaries"))},
        refusals=[400],
    ),
)
address_whitelist = describe_setting(
    "address_whitelist",
    "addresses that are never suppressed",
    change_of("AddressWhitelistSetting"),
    "AddressWhitelistSetting",
)
bounce_purge = describe_setting(
    "bounce_purge", "the removal of old bounces and blocks", change_of("BouncePurgeSetting"), "BouncePurgeSetting"
)
footer = describe_setting("footer", "the footer", change_of("FooterSetting"), "FooterSetting")
forward_bounce = describe_setting(
    "forward_bounce", "the forwarding of bounces", change_of("ForwardBounceSetting"), "ForwardBounceSetting"
)
forward_spam = describe_setting(
    "forward_spam", "the forwarding of spam reports", change_of("ForwardSpamSetting"), "ForwardSpamSetting"
)
template = describe_setting(
    "mail_template", "the HTML around each mail", change_of("TemplateSetting"), "TemplateSetting"
)
