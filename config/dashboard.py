"""Show the admin's first page: waiting mail, sent mail, and nodes. Every figure reads a bounded number of rows."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from batches.admin.asking import Figure
from batches.counts import Tally, tally_sent, tally_state
from batches.hints import NODE_SILENCE
from batches.models import Node
from batches.states import ParcelState
from batches.sweep import oldest_due_age
from foundation.admin import tell_time
from foundation.clock import database_now
from mailer.admin.in_hand import MAY_SEE
from mailer.in_hand import Why, tally_in_hand
from mailer.inbox.views import may_see_inbox

LATELY = dt.timedelta(hours=1)
NODES_SHOWN = 50


def add_figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the figures to the dashboard's context. Operators who may not see batches get an empty page."""
    context["has_inbox"] = may_see_inbox(request)
    context["may_see_in_hand"] = request.user.has_perm(MAY_SEE)
    if request.user.has_perm("batches.view_batch"):
        context.update(figures(link_in_hand=reverse("in_hand") if context["may_see_in_hand"] else ""))
    return context


def figures(*, link_in_hand: str) -> dict[str, Any]:
    """Return the cards and the table of nodes."""
    now = database_now()
    age = oldest_due_age()
    held, in_doubt = (tally_in_hand(why) for why in Why)
    return {
        "cards": [
            Figure("Scheduled", tally_state(ParcelState.SCHEDULED), "for a later time"),
            Figure("Due", tally_state(ParcelState.DUE), f"the oldest for {describe_age(age)}" if age else "none"),
            Figure("Sending", tally_state(ParcelState.CLAIMED), "claimed by workers"),
            Figure("Retained", tally_state(ParcelState.RETAINED), "by a pause or a freeze"),
            Figure(
                "In hand",
                Tally(held.messages + in_doubt.messages, held.is_exact and in_doubt.is_exact),
                f"{held} held, {in_doubt} in doubt",
                link_in_hand,
            ),
            Figure("Sent", tally_sent(LATELY), "in the last hour"),
        ],
        "nodes": tabulate_nodes(now),
    }


def describe_age(age: dt.timedelta) -> str:
    """Return an age in words: `1.5 s`, `3 min`."""
    seconds = age.total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.0f} min"


def tabulate_nodes(now: dt.datetime) -> dict[str, Any]:
    """Return the table of nodes with the time of each one's last heartbeat."""
    nodes = Node.objects.order_by("-seen_at")[:NODES_SHOWN]
    return {
        "headers": ["Node", "Delivering processes", "Started", "Last heartbeat", ""],
        "rows": [
            [
                node.name,
                node.concurrency,
                tell_time(node.started_at, now),
                tell_time(node.seen_at, now),
                "silent" if now - node.seen_at > NODE_SILENCE else "at work",
            ]
            for node in nodes
        ],
    }
