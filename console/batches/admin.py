"""Make the pages of batches and receipts live, and find them by every word that finds a mailing."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from batches.admin import BatchAdmin, ReceiptAdmin
from batches.models import Batch, Receipt
from campaigns.models import Launch
from console.batches.page import BATCH, RECEIPT, with_columns_of_receipt, with_live_columns
from console.header import answer_live
from console.live import Part, embed, is_poll
from foundation.admin import Row, draw_figure, read_id
from mailer.admin.failures import key_of, link_failures
from mailer.outcomes.failures import ReasonGroup, Scope, group_by_reason, has_failures, look_for_failures
from monitoring.scope import EVERYTHING
from monitoring.search import find_mailings

FOUND = 200
REASONS_SHOWN = 5
MAY_SEE_MESSAGES = "mailer.view_message"

admin.site.unregister(Batch)
admin.site.unregister(Receipt)


def find_batches(text: str) -> list[int]:
    """Return the ids of the batches that a text names."""
    mailings = find_mailings(text, EVERYTHING, limit=FOUND)
    return [mailing.batch_id for mailing in mailings if mailing.batch_id is not None]


class LivePage:
    """Show an object on a page with the live part `part`."""

    part: Part

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any) -> Any:
        if not is_poll(request):
            return super().changeform_view(request, object_id, *args, **kwargs)  # type: ignore[misc]
        return self.answer(request, object_id or "")

    def answer(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Answer the poll of a page."""
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        if not self.model.objects.filter(pk=read_id(object_id)).exists():  # type: ignore[attr-defined]
            raise Http404
        return answer_live(request, self.part, read_id(object_id))


def find_row(rows: QuerySet[Row], object_id: str) -> Row | None:
    """Return the row with the id in the address of a page."""
    return rows.filter(pk=read_id(object_id)).first()


@admin.register(Batch)
class LiveBatchAdmin(LivePage, BatchAdmin):
    """Show batches, each on a live page, and find them by their labels, too."""

    part = BATCH
    search_help_text = "Search by subject, campaign, sender, category, account, key, or id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        expanding = Launch.objects.filter(batch=OuterRef("pk"), is_complete=False)
        return super().get_queryset(request).annotate(is_expanding=Exists(expanding))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Batch], search_term: str
    ) -> tuple[QuerySet[Batch], bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(pk__in=find_batches(search_term)), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Batch | None:
        batches = with_live_columns(super().get_queryset(request)).annotate(has_failures=has_failures())
        return find_row(batches, object_id)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        batch = kwargs["obj"]
        context.update(embed(request, BATCH, batch.pk, row=batch))
        if request.user.has_perm(MAY_SEE_MESSAGES):
            context["failures"] = link_failures(batch=batch)
            context["reasons"] = list_reasons(batch)
        return super().render_change_form(request, context, *args, **kwargs)


def list_reasons(batch: Any) -> list[tuple[ReasonGroup, SafeString, str]]:
    """Return the most frequent reasons for which peers refused or deferred mail of a batch.

    Each has its number, which is the least if there are more failures than were read, and the address of its messages.
    """
    if not batch.is_default and not batch.has_failures:
        return []
    scope = Scope(batch_id=batch.pk)
    look = look_for_failures(scope)
    return [
        (
            reason,
            draw_figure(
                key_of(scope, reason.classification, "reason", reason.reason, "total"),
                reason.total,
                is_exact=look.is_complete,
            ),
            f"{link_failures(batch=batch)}&reason={reason.name}",
        )
        for reason in group_by_reason(look.failures)[:REASONS_SHOWN]
    ]


@admin.register(Receipt)
class LiveReceiptAdmin(LivePage, ReceiptAdmin):
    """Show receipts, each on a page that is live until it is settled. The labels of batches find them, too."""

    part = RECEIPT
    search_help_text = "Search by the id of a receipt, an account, or what names a batch"

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Receipt | None:
        return find_row(with_columns_of_receipt(super().get_queryset(request)), object_id)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Receipt], search_term: str
    ) -> tuple[QuerySet[Receipt], bool]:
        own, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return own, may_repeat
        return own | queryset.filter(batch_id__in=find_batches(search_term)), may_repeat

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        context.update(embed(request, RECEIPT, kwargs["obj"].pk, row=kwargs["obj"]))
        return super().render_change_form(request, context, *args, **kwargs)
