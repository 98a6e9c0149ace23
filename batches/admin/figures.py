"""Draw the counts and the waves of a batch: a bar, a table and labels."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from batches.counts import Counts, Estimate
from batches.states import BatchStatus, ParcelState
from batches.waves import Wave
from foundation.admin import draw_figure, draw_label, tell_time, write_time

STATUS_COLOURS = {
    BatchStatus.OPEN.label: "success",
    BatchStatus.PAUSED.label: "warning",
    BatchStatus.CANCELLED.label: "danger",
    "frozen": "warning",
    "finished": "",
}
PARCEL_COLOURS = {
    ParcelState.SCHEDULED: "",
    ParcelState.DUE: "primary",
    ParcelState.CLAIMED: "primary",
    ParcelState.RETAINED: "warning",
    ParcelState.HELD: "warning",
    ParcelState.DONE: "success",
    ParcelState.DISCARDED: "danger",
    ParcelState.EXPIRED: "danger",
}
BAR_COLOURS = {
    "sent": "#16a34a",
    "claimed": "#2563eb",
    "due": "#60a5fa",
    "scheduled": "#cbd5e1",
    "retained": "#f59e0b",
    "held": "#f97316",
    "in_doubt": "#eab308",
    "refused": "#dc2626",
    "dropped": "#f87171",
    "stopped": "#9ca3af",
    "discarded": "#6b7280",
    "expired": "#4b5563",
}
"""The colours in the order of the bar: sent, may still be sent, not sent."""
WORDS = {"claimed": "claimed by workers", "in_doubt": "in doubt"}


def shares(counts: Counts) -> list[dict[str, Any]]:
    """Return the states that hold messages, with their share of the batch in per cent and their colour."""
    states = [(state, getattr(counts, state), colour) for state, colour in BAR_COLOURS.items()]
    return [
        {
            "name": state,
            "state": WORDS.get(state, state),
            "messages": messages,
            "percent": f"{100 * messages / counts.accepted:.2f}",
            "colour": colour,
        }
        for state, messages, colour in states
        if messages
    ]


def draw_bar(estimate: Estimate, about: str) -> SafeString:
    """Return one bar of all states, with a legend of those that hold messages. `about` is the key of the subject."""
    context = {"shares": shares(estimate.counts), "about": about if estimate.is_exact else ""}
    return render_to_string("batches/bar.html", context)


def tabulate_waves(waves: Iterable[Wave], now: dt.datetime) -> dict[str, Any]:
    """Return waves of one batch for unfold's table."""
    rows = [
        [
            write_time(wave.send_at),
            tell_time(wave.send_at, now),
            draw_messages(wave, "messages"),
            draw_messages(wave, "sent"),
            label_parcels(wave),
        ]
        for wave in waves
    ]
    return {"headers": ["send_at (UTC)", "", "Messages", "Sent", "Parcels"], "rows": rows}


def batch_link(batch_id: int, public_id: str) -> SafeString:
    """Return a link to a batch, whose text is the beginning of its public id."""
    url = reverse("admin:batches_batch_change", args=[batch_id])
    short = public_id if len(public_id) <= 14 else f"{public_id[:12]}…"
    return format_html(
        '<a class="text-primary-600 dark:text-primary-500" title="{}" href="{}">{}</a>', public_id, url, short
    )


def draw_messages(wave: Wave, name: str) -> SafeString:
    """Return a number of messages of a wave, by the name of its property."""
    return draw_figure(f"{wave.key}:{name}", getattr(wave, name), is_exact=wave.is_exact)


def label_parcels(wave: Wave) -> SafeString:
    """Return a label for each state of the parcels of a wave, with their number."""
    labels = (
        (draw_label(format_html("{} {}", number, state.label), PARCEL_COLOURS[state]),)
        for state, count in wave.parcels.items()
        for number in [draw_figure(f"{wave.key}:{state.label}_parcels", count, is_exact=wave.is_exact)]
    )
    return format_html_join(" ", "{}", labels)
