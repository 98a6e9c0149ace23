"""List endpoints, and show a page for each with its newest deliveries and its buttons. Only the APIs change them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from batches.admin.batches import AccountFilter
from events.admin.control import BUTTONS, buttons_of, control_endpoint, replay_endpoint
from events.admin.deliveries import tabulate
from events.models import Endpoint
from events.webhooks.deliveries import list_deliveries
from events.webhooks.kinds import names_in
from foundation.admin import ReadOnlyAdmin, coloured, draw_figure, draw_link, write_time
from mailer.admin.drawing import draw_quote

DELIVERIES_SHOWN = 20
STATE_COLOURS = {"enabled": "success", "failing": "warning", "disabled": "danger"}


@admin.register(Endpoint)
class EndpointAdmin(ReadOnlyAdmin[Endpoint]):
    """Show endpoints, enable and disable them. Their secrets are not shown."""

    list_display = (
        *("shown_url", "shown_name", "shown_account", "dialect", "shown_state", "failures_now", "since"),
        "reason",
    )
    list_display_links = ("shown_url",)
    list_select_related = ("account",)
    list_filter = ("dialect", AccountFilter)
    search_fields = ("url", "friendly_name")
    search_help_text = "Search by a part of the URL or of the name"
    ordering = ("-pk",)
    change_form_template = "events/endpoint.html"

    def get_urls(self) -> list[URLPattern]:
        moves = [
            path(
                f"<int:endpoint_id>/{button.name}/",
                self.admin_site.admin_view(partial(control_endpoint, button=button, log=self.log_change)),
                name=f"events_endpoint_{button.name}",
            )
            for button in BUTTONS
        ]
        replay = self.admin_site.admin_view(partial(replay_endpoint, log=self.log_change))
        moves.append(path("<int:endpoint_id>/replay/", replay, name="events_endpoint_replay"))
        return [*moves, *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        endpoint: Endpoint = kwargs["obj"]
        rows, next_after = list_deliveries(endpoint, limit=DELIVERIES_SHOWN)
        context |= {
            "endpoint": endpoint,
            "state": tell_state(endpoint),
            "state_colour": STATE_COLOURS[tell_state(endpoint)],
            "facts": list_facts(endpoint),
            "buttons": buttons_of(request, endpoint),
            "deliveries": tabulate(rows),
            "all_deliveries": list_link(endpoint) if next_after else "",
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="URL")
    def shown_url(self, endpoint: Endpoint) -> SafeString:
        return draw_quote(endpoint.shown_url)

    @admin.display(description="name")
    def shown_name(self, endpoint: Endpoint) -> SafeString:
        return draw_quote(endpoint.friendly_name)

    @admin.display(description="account")
    def shown_account(self, endpoint: Endpoint) -> str:
        return endpoint.account.username

    @coloured(STATE_COLOURS)
    @admin.display(description="state")
    def shown_state(self, endpoint: Endpoint) -> str:
        return tell_state(endpoint)

    @admin.display(description="failures in a row")
    def failures_now(self, endpoint: Endpoint) -> SafeString:
        return draw_figure(f"endpoint:{endpoint.pk}:failures", endpoint.failures)

    @admin.display(description="failing or disabled since (UTC)")
    def since(self, endpoint: Endpoint) -> str:
        return write_time(endpoint.disabled_at or endpoint.failing_since)

    @admin.display(description="why it is disabled")
    def reason(self, endpoint: Endpoint) -> SafeString:
        return draw_quote(tell_reason(endpoint))


def tell_state(endpoint: Endpoint) -> str:
    """Return whether an endpoint is enabled, failing or disabled."""
    if not endpoint.is_enabled:
        return "disabled"
    return "failing" if endpoint.failing_since else "enabled"


def tell_reason(endpoint: Endpoint) -> str:
    """Return why an endpoint is disabled; empty while it is enabled."""
    return "" if endpoint.is_enabled else endpoint.disabled_reason or "Somebody has disabled it here or through an API."


def tell_notice(endpoint: Endpoint) -> str:
    """Return when the owner was mailed that Sluice has disabled an endpoint; empty if Sluice has not disabled it."""
    if not endpoint.disabled_reason or endpoint.disabled_at is None:
        return ""
    is_notified = endpoint.notified_at is not None and endpoint.notified_at >= endpoint.disabled_at
    return write_time(endpoint.notified_at) if is_notified else "no mail was sent"


def list_facts(endpoint: Endpoint) -> list[tuple[str, SafeString | str]]:
    """Return the names and values of the known facts about an endpoint. Empty values are left out."""
    kinds = names_in(endpoint.dialect, endpoint.kinds)
    account = reverse("admin:accounts_account_change", args=[endpoint.account_id])
    facts: list[tuple[str, SafeString | str]] = [
        (
            "Account",
            draw_link(account, str(endpoint.account)),
        ),
        ("Id", format_html("<code>{}</code>", endpoint.public_id)),
        ("Events", "all" if kinds is None else ", ".join(kinds) or "none"),
        ("Why it is disabled", draw_quote(reason) if (reason := tell_reason(endpoint)) else ""),
        ("Disabled (UTC)", write_time(endpoint.disabled_at)),
        ("Owner told by mail (UTC)", tell_notice(endpoint)),
        ("Failing since (UTC)", write_time(endpoint.failing_since)),
        ("Failures in a row", draw_figure(f"endpoint:{endpoint.pk}:failures", endpoint.failures)),
        ("Next attempt (UTC)", write_time(endpoint.retry_at) if endpoint.is_enabled else ""),
        ("OAuth client id", draw_quote(endpoint.oauth_client_id) if endpoint.oauth_client_id else ""),
        ("OAuth token URL", draw_quote(endpoint.oauth_token_url) if endpoint.oauth_token_url else ""),
        ("Public key", format_html("<code data-text>{}</code>", endpoint.public_key) if endpoint.public_key else ""),
        ("Created (UTC)", write_time(endpoint.created_at)),
        ("Changed (UTC)", write_time(endpoint.updated_at)),
    ]
    return [(name, value) for name, value in facts if value]


def list_link(endpoint: Endpoint) -> str:
    """Return the address of the list of all deliveries of an endpoint."""
    return reverse("admin:events_delivery_changelist", query={"endpoint__id__exact": endpoint.pk})
