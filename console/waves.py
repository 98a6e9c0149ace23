"""Show the waves: mail that is sent next and what will happen to it, and mail that was sent last."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from batches.admin.asking import Figure
from batches.admin.figures import draw_messages, label_parcels
from batches.states import ParcelState
from batches.verdict import GateStatus
from batches.waves import Wave, recent_waves
from console.header import answer_live
from console.live import Part, Rights, embed, is_poll
from console.now import MAY_SEE, PERMISSIONS, address_of, show_coming
from foundation.admin import tell_time, write_time
from foundation.clock import database_now
from monitoring.coming import list_coming
from monitoring.scope import EVERYTHING
from monitoring.store import Store, read_store

FURTHEST = dt.timedelta(days=3660)
"""Long enough for all scheduled mail: a send_at is at most ten years ahead."""
SHOWN = 25
STOPPED = (GateStatus.PAUSED, GateStatus.FROZEN, GateStatus.CANCELLED)


def build_waves(rights: Rights) -> dict[str, Any]:
    """Return the context of the page's live part."""
    now = database_now()
    coming = list_coming(EVERYTHING, FURTHEST, SHOWN + 1)
    return {
        "figures": figures_of(read_store(EVERYTHING)),
        "coming_title": "Coming",
        "coming": [show_coming(each, rights, now) for each in coming[:SHOWN]],
        "has_more_coming": len(coming) > SHOWN,
        "recent": [show_wave(wave, now) for wave in recent_waves(SHOWN)],
        "shown": SHOWN,
    }


WAVES = Part("waves", "console/waves/part.html", build_waves, tuple(sorted({*PERMISSIONS.values()})))


def show_waves(request: HttpRequest) -> HttpResponse:
    """Show the coming and the recent waves of the installation, or answer the page's poll."""
    if not request.user.has_perm(MAY_SEE):
        raise PermissionDenied
    if is_poll(request):
        return answer_live(request, WAVES)
    context = {**admin.site.each_context(request), "title": "Waves", **embed(request, WAVES)}
    return TemplateResponse(request, "console/waves/page.html", context)


def figures_of(store: Store) -> list[Figure]:
    """Return the mail that waits, by what happens to it."""
    return [
        Figure(
            "Scheduled",
            store.count(ParcelState.SCHEDULED, GateStatus.OPEN),
            "to be sent at its time",
            key="all:scheduled_open",
        ),
        Figure(
            "Stopped before its time",
            store.count(ParcelState.SCHEDULED, *STOPPED),
            "paused, frozen, cancelled",
            key="all:scheduled_stopped",
        ),
        Figure("Due", store.count(ParcelState.DUE), "waits for a worker", key="all:due"),
        Figure("Claimed", store.count(ParcelState.CLAIMED), "by workers", key="all:claimed"),
        Figure("Retained", store.count(ParcelState.RETAINED), "by a pause or a freeze", key="all:retained"),
        Figure("Held", store.count(ParcelState.HELD), "waits for a decision", key="all:held"),
    ]


def show_wave(wave: Wave, now: dt.datetime) -> dict[str, Any]:
    """Return a wave that was sent as the context of its row."""
    return {
        "id": wave.key.replace(":", "-"),
        "time": write_time(wave.send_at),
        "relative": tell_time(wave.send_at, now),
        "name": "mail without a batch" if wave.is_default else wave.label or wave.public_id,
        "public_id": wave.public_id,
        "url": address_of("admin:batches_batch_change", wave.batch_id),
        "account": wave.username,
        "messages": draw_messages(wave, "messages"),
        "sent": draw_messages(wave, "sent"),
        "parcels": label_parcels(wave),
    }
