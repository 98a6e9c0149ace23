"""List batches with their counts, and show a page for each with its waves, its receipts and its buttons."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any, Protocol

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account
from batches.admin.control import BUTTONS, control_batch, tell_hours
from batches.admin.figures import STATUS_COLOURS, draw_bar
from batches.counts import PARCELS_OF_EACH, Estimate, estimate_batches
from batches.freezes import EVERYTHING_FROZEN_AT, frozen_since
from batches.labels import describe_status, label_of
from batches.models import Batch
from batches.states import BatchStatus
from foundation.admin import ReadOnlyAdmin, coloured, draw_figure, read_id, tell_time, write_time

ACCOUNTS_OFFERED = 50


class AccountFilter(admin.SimpleListFilter):
    """Filter by account. A long list of accounts is cut: the page of each account links to its batches, too."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        offered = Account.objects.order_by("username").values_list("pk", "username")[:ACCOUNTS_OFFERED]
        return [(str(pk), username) for pk, username in offered]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Batch]) -> QuerySet[Batch]:
        value = self.value()
        if value is None:
            return queryset
        return queryset.filter(account_id=read_id(value))


class CountedBatches(ChangeList):
    """Show a page of batches with their counts. One statement counts them, and reads a bounded number of parcels."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        batches = list(self.result_list)
        estimates = estimate_batches([batch.pk for batch in batches], parcels=PARCELS_OF_EACH)
        for batch in batches:
            batch.estimate = estimates[batch.pk]
        self.result_list = batches


class CountedBatch(Protocol):
    """A batch on a page of `CountedBatches`."""

    pk: int
    estimate: Estimate
    status: int
    account: Account
    everything_frozen_at: dt.datetime | None


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin[Batch]):
    """Show batches, read-only: pause, cancel and resume change their status, and reschedule changes the `send_at`."""

    list_display = ("shown_id", "account", "shown_status", "sent", "waiting", "by_state", "made")
    list_filter = ("status", AccountFilter)
    list_per_page = 25
    search_fields = ("public_id__startswith",)
    search_help_text = "Search by public id, or its beginning"
    ordering = ("-pk",)
    change_form_template = "batches/batch.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        batches = super().get_queryset(request).select_related("account__parent")
        return batches.annotate(everything_frozen_at=EVERYTHING_FROZEN_AT)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CountedBatches

    def get_urls(self) -> list[URLPattern]:
        buttons = [
            path(
                f"<int:batch_id>/{button.action}/",
                self.admin_site.admin_view(partial(control_batch, button=button)),
                name=f"batches_batch_{button.action}",
            )
            for button in BUTTONS
        ]
        return [*buttons, *super().get_urls()]

    @admin.display(description="batch")
    def shown_id(self, batch: Batch) -> str:
        return label_of(batch)

    @coloured(STATUS_COLOURS)
    @admin.display(description="status")
    def shown_status(self, batch: CountedBatch) -> str:
        return describe_status(
            BatchStatus(batch.status),
            batch.estimate,
            is_frozen=frozen_since(batch.account, batch.everything_frozen_at) is not None,
            is_complete=not getattr(batch, "is_expanding", False),
        )

    @admin.display(description="created (UTC)")
    def made(self, batch: Batch) -> str:
        return write_time(batch.created_at)

    @admin.display(description="sent")
    def sent(self, batch: CountedBatch) -> SafeString:
        estimate = batch.estimate
        return draw_figure(f"batch:{batch.pk}:sent", estimate.counts.sent, is_exact=estimate.is_exact)

    @admin.display(description="waiting")
    def waiting(self, batch: CountedBatch) -> SafeString:
        estimate = batch.estimate
        if batch.status == BatchStatus.CANCELLED:
            return draw_figure(f"batch:{batch.pk}:to_be_sent", 0)
        return draw_figure(f"batch:{batch.pk}:to_be_sent", estimate.counts.waiting, is_exact=estimate.is_exact)

    @admin.display(description="by state")
    def by_state(self, batch: CountedBatch) -> SafeString:
        return draw_bar(batch.estimate, f"batch:{batch.pk}")


def tell_terms(batch: Batch, now: dt.datetime) -> list[str]:
    """Return how long a paused batch stays paused, and how long its mail is retained, in sentences."""
    if batch.status != BatchStatus.PAUSED:
        return []
    until = batch.paused_until
    return [
        f"It is resumed automatically at {write_time(until)} UTC ({tell_time(until, now)})."
        if until
        else "It stays paused until somebody resumes it.",
        f"Mail that becomes due is retained for {tell_hours(batch.retention_seconds)} after its send_at, and then "
        "expires.",
    ]


def link_in_hand(batch: Batch, estimate: Estimate) -> list[tuple[SafeString, str]]:
    """Return links to the lists of the batch's messages that wait for a decision, one list for each kind."""
    kinds = {"held": estimate.counts.held, "in_doubt": estimate.counts.in_doubt}
    return [
        (
            format_html("{} {}", number, kind.replace("_", " ")),
            reverse("in_hand", query={"account": batch.account_id, "why": kind, "batch": batch.public_id}),
        )
        for kind, messages in kinds.items()
        if messages
        for number in [draw_figure(f"batch:{batch.pk}:{kind}", messages, is_exact=estimate.is_exact)]
    ]
