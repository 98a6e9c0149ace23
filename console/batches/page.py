"""Build the live parts of the pages of a batch and of a receipt."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.db.models import QuerySet
from django.urls import reverse

from batches.admin.asking import Figure
from batches.admin.batches import link_in_hand, tell_terms
from batches.admin.control import MAY_CONTROL, buttons_of
from batches.admin.figures import STATUS_COLOURS, draw_bar, tabulate_waves
from batches.admin.receipts import show_receipt, tabulate_receipts
from batches.counts import LOOKED_AT, Counts, Estimate, Tally, estimate_batches
from batches.freezes import EVERYTHING_FROZEN_AT, frozen_since
from batches.labels import describe_status
from batches.models import Batch, Receipt
from batches.states import BatchStatus
from batches.waves import waves_of
from campaigns.models import Launch
from console.header import processes_of_header
from console.live import Part, Rights
from foundation.admin import tell_time
from foundation.clock import Now
from monitoring.rates import sent_rates
from monitoring.waiting import why_waiting

RECEIPTS_SHOWN: Final = 20
PARCELS_OF_WAVES: Final = 2_000
WAVES_SHOWN: Final = 25
MAY_SEE_CAMPAIGNS: Final = "campaigns.view_campaign"


def with_live_columns(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Read everything of a batch that its live part shows with its row."""
    return batches.annotate(read_at=Now(), everything_frozen_at=EVERYTHING_FROZEN_AT).select_related(
        "account__parent", "api_key", "launch__campaign"
    )


def build_batch(rights: Rights, batch_id: int, *, row: Any = None) -> dict[str, Any]:
    """Return the context of the live part of a batch."""
    batch: Any = row or with_live_columns(Batch.objects.all()).get(pk=batch_id)
    now = batch.read_at
    launch: Launch | None = getattr(batch, "launch", None)
    estimate = estimate_batches([batch_id], parcels=LOOKED_AT)[batch_id]
    is_complete = launch is None or launch.is_complete
    frozen_at = frozen_since(batch.account, batch.everything_frozen_at)
    status = describe_status(
        BatchStatus(batch.status), estimate, is_frozen=frozen_at is not None, is_complete=is_complete
    )
    since = _since(batch, status, frozen_at)
    waves = waves_of(batch_id, parcels=PARCELS_OF_WAVES, limit=WAVES_SHOWN)
    return {
        "batch": batch,
        "campaign": launch.campaign if launch and MAY_SEE_CAMPAIGNS in rights else None,
        "status": status,
        "status_colour": STATUS_COLOURS.get(status, ""),
        "since": since,
        "since_relative": since and tell_time(since, now),
        "terms": tell_terms(batch, now),
        "figures": _figures(batch, estimate),
        "bar": draw_bar(estimate, f"batch:{batch_id}"),
        "counted": "" if estimate.is_exact else f"{LOOKED_AT:,}",
        "in_hand": link_in_hand(batch, estimate),
        "waves": tabulate_waves(waves, now),
        "waves_title": f"The latest {WAVES_SHOWN} waves" if len(waves) == WAVES_SHOWN else "Waves",
        "receipts": tabulate_receipts(batch.receipts.order_by("-pk")[:RECEIPTS_SHOWN]),
        "buttons": _buttons(batch) if MAY_CONTROL in rights else [],
        "is_final": status == "finished",
        **_motion(batch, estimate.counts, now),
    }


def _since(batch: Batch, status: str, frozen_at: dt.datetime | None) -> dt.datetime | None:
    """Return the time since which a batch has a status; None if it is not known, as for one that is finished."""
    if status == "finished":
        return None
    return frozen_at if status == "frozen" else batch.stopped_at or batch.resumed_at or batch.created_at


def _figures(batch: Batch, estimate: Estimate) -> list[Figure]:
    counts, key = estimate.counts, f"batch:{batch.pk}"
    waits = "Will not be sent" if batch.status == BatchStatus.CANCELLED else "May still be sent"
    numbers = (
        ("Accepted", counts.accepted, "accepted"),
        (waits, counts.waiting, "waiting"),
        ("Sent", counts.sent, "sent"),
        ("Refused", counts.refused, "refused"),
        ("Stopped, discarded, expired", counts.ended_unsent, "ended_unsent"),
    )
    if not estimate.is_exact:
        return [Figure(title, Tally(number, is_exact=False)) for title, number, _ in numbers]
    return [Figure(title, number, key=f"{key}:{name}") for title, number, name in numbers]


def _motion(batch: Batch, counts: Counts, now: dt.datetime) -> dict[str, Any]:
    """Return how fast a batch is sent, how long the rest of its due mail takes, and why it waits."""
    if not counts.waiting:
        return {}
    rate = 0.0 if batch.is_default else sent_rates([batch.pk], now).get(batch.pk, 0.0)
    at_hand = counts.due + counts.claimed
    remaining = dt.timedelta(seconds=round(at_hand / rate)) if rate and at_hand else None
    reason = why_waiting([batch], processes_of_header()).get(batch.pk)
    return {
        "rate": rate,
        "remaining": remaining and tell_time(now + remaining, now).removeprefix("in "),
        "why": reason and reason.text,
    }


def _buttons(batch: Batch) -> list[tuple[Any, str]]:
    return [(button, reverse(f"admin:batches_batch_{button.action}", args=[batch.pk])) for button in buttons_of(batch)]


BATCH: Final = Part("batch", "console/batches/batch.html", build_batch, (MAY_CONTROL, MAY_SEE_CAMPAIGNS))


def with_columns_of_receipt(receipts: QuerySet[Receipt]) -> QuerySet[Receipt]:
    """Read everything of a receipt that its live part shows with its row."""
    return receipts.select_related("account", "batch__launch__campaign").defer(None).defer("claims")


def build_receipt(rights: Rights, receipt_id: int, *, row: Any = None) -> dict[str, Any]:
    """Return the context of the live part of a receipt."""
    receipt = row or with_columns_of_receipt(Receipt.objects.all()).get(pk=receipt_id)
    launch: Launch | None = getattr(receipt.batch, "launch", None)
    campaign = launch.campaign if launch and MAY_SEE_CAMPAIGNS in rights else None
    return show_receipt(receipt) | {"campaign": campaign, "is_final": receipt.is_settled}


RECEIPT: Final = Part("receipt", "console/batches/receipt.html", build_receipt, (MAY_SEE_CAMPAIGNS,))
