"""List the deliveries of endpoints, and show a page for each with its last attempt and its body."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from events.admin.replaying import may_replay, replay
from events.models import Delivery, DeliveryState
from events.webhooks.deliveries import next_attempts, read_body
from foundation.admin import ReadOnlyAdmin, coloured, draw_figure, draw_label, draw_link, write_time
from mailer.admin.drawing import draw_quote, draw_text

MAY_SEE_MESSAGES = "mailer.view_message"
"""The permission to see bodies, since they have recipients."""
BODY_SHOWN = 50_000
"""The most characters of a body on its page; the native API has all."""
STATE_COLOURS = {"pending": "warning", "delivered": "success"}


class DeliveryColumns:
    """Define the columns of lists of deliveries."""

    @admin.display(description="delivery")
    def shown_id(self, delivery: Delivery) -> str:
        return str(delivery.public_id)

    @admin.display(description="events")
    def event_count(self, delivery: Delivery) -> SafeString:
        return draw_figure(f"delivery:{delivery.pk}:events", delivery.events)

    @admin.display(description="attempts")
    def attempt_count(self, delivery: Delivery) -> SafeString:
        return draw_figure(f"delivery:{delivery.pk}:attempts", delivery.attempts)

    @coloured(STATE_COLOURS)
    @admin.display(description="state")
    def shown_state(self, delivery: Delivery) -> str:
        return DeliveryState(delivery.state).label

    @admin.display(description="last answer")
    def answer(self, delivery: Delivery) -> SafeString:
        return draw_answer(delivery)

    @admin.display(description="last attempt (UTC)")
    def attempted(self, delivery: Delivery) -> str:
        return write_time(delivery.attempted_at)

    @admin.display(description="endpoint")
    def shown_endpoint(self, delivery: Delivery) -> SafeString:
        return draw_quote(str(delivery.endpoint))


@admin.register(Delivery)
class DeliveryAdmin(DeliveryColumns, ReadOnlyAdmin[Delivery]):
    """Show deliveries, newest first."""

    list_display = ("shown_id", "shown_endpoint", "shown_state", "event_count", "attempt_count", "answer", "attempted")
    ordering = ("-pk",)
    change_form_template = "events/delivery.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(partial(replay, log=self.log_change))
        return [path("<int:delivery_id>/replay/", view, name="events_delivery_replay"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).select_related("endpoint__account").defer("body")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        delivery: Delivery = kwargs["obj"]
        body = read_body(delivery).decode() if request.user.has_perm(MAY_SEE_MESSAGES) else ""
        context |= {
            "delivery": delivery,
            "state": DeliveryState(delivery.state).label,
            "state_colour": STATE_COLOURS[DeliveryState(delivery.state).label],
            "facts": list_facts(delivery),
            "body": body[:BODY_SHOWN],
            "is_cut": len(body) > BODY_SHOWN,
            "may_replay": may_replay(request, delivery),
        }
        return super().render_change_form(request, context, *args, **kwargs)


def list_facts(delivery: Delivery) -> list[tuple[str, SafeString | str]]:
    """Return the names and values of the known facts about a delivery. Empty values are left out."""
    endpoint = delivery.endpoint
    is_pending = delivery.state == DeliveryState.PENDING
    next_at = next_attempts(endpoint).get(delivery.lane_number) if is_pending else None
    facts: list[tuple[str, SafeString | str]] = [
        ("Endpoint", draw_text(endpoint.shown_url, reverse("admin:events_endpoint_change", args=[endpoint.pk]))),
        ("Events", draw_figure(f"delivery:{delivery.pk}:events", delivery.events)),
        ("Attempts", draw_figure(f"delivery:{delivery.pk}:attempts", delivery.attempts)),
        ("Last answer", draw_answer(delivery)),
        ("Its body", draw_text(delivery.reply) if delivery.reply else ""),
        ("Duration", draw_quote(f"{delivery.seconds:.2f} s") if delivery.seconds is not None else ""),
        ("Created (UTC)", write_time(delivery.created_at)),
        ("Last attempt (UTC)", write_time(delivery.attempted_at)),
        ("Next attempt (UTC)", write_time(next_at)),
    ]
    return [(name, value) for name, value in facts if value]


def draw_answer(delivery: Delivery) -> SafeString:
    """Return the status or the error of the last attempt; empty before the first one."""
    status = "" if delivery.status_code is None else str(delivery.status_code)
    return draw_quote(delivery.error or status)


def tabulate(deliveries: Iterable[Delivery]) -> dict[str, Any]:
    """Return deliveries for unfold's table."""
    return {
        "headers": ["Delivery", "State", "Events", "Attempts", "Last answer", "Last attempt (UTC)"],
        "rows": [
            [
                draw_link(reverse("admin:events_delivery_change", args=[delivery.pk]), str(delivery.public_id)),
                draw_label(DeliveryState(delivery.state).label, STATE_COLOURS[DeliveryState(delivery.state).label]),
                draw_figure(f"delivery:{delivery.pk}:events", delivery.events),
                draw_figure(f"delivery:{delivery.pk}:attempts", delivery.attempts),
                format_html("{}", draw_answer(delivery)),
                write_time(delivery.attempted_at),
            ]
            for delivery in deliveries
        ],
    }
