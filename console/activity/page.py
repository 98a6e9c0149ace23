"""Show the page Activity: receipts, changes and sign-ins in one list, the newest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from heapq import merge
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.views.decorators.http import require_safe
from unfold.widgets import UnfoldAdminTextInputWidget

from batches.admin.receipts import ACTION_COLOURS
from batches.labels import label_of
from batches.models import Receipt
from console.activity.sources import CHANGES, OPERATOR, RECEIPTS, SIGN_INS, SOURCES, Filter, Source, read_page
from console.models import SignIn
from foundation.admin import draw_label, draw_link, write_time
from mailer.admin.filtering import AccountField, DayField

SHOWN: Final = 50
POSITION: Final = re.compile(r"([rcs])(\d{1,18})")
FLAGS: Final = {ADDITION: "added", CHANGE: "changed", DELETION: "deleted"}

HEADERS: Final = ["Time (UTC)", "Kind", "Who", "What", "Account", "Details"]

Cells = list[str | SafeString]
Position = dict[str, int]
"""The last id of each source that was shown, by its letter."""


class FilterForm(forms.Form):
    """The filters of the page."""

    person = forms.CharField(
        required=False,
        max_length=200,
        label="Person or key",
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "username or key id"}),
    )
    account = AccountField()
    day = DayField()


def may_see_activity(request: HttpRequest) -> bool:
    """Return whether the operator may see any of the sources."""
    return any(request.user.has_perm(source.permission) for source in SOURCES)


@require_safe
def show_activity(request: HttpRequest) -> HttpResponse:
    """Show the newest entries of the sources that the operator may see, or those below a position."""
    sources = [source for source in SOURCES if request.user.has_perm(source.permission)]
    if not sources:
        raise PermissionDenied
    form = FilterForm(request.GET)
    context: dict[str, Any] = {**admin.site.each_context(request), "title": "Activity", "form": form}
    if not form.is_valid():
        return TemplateResponse(request, "console/activity/page.html", context, status=400)
    filters = Filter(**form.cleaned_data)
    position = read_position(request.GET.get("below", ""))
    rows, below = list_entries(sources, filters, position)
    context |= {
        "table": {"headers": HEADERS, "rows": rows},
        "newest": _link(request, "") if position else "",
        "older": _link(request, write_position(below)) if below else "",
    }
    return TemplateResponse(request, "console/activity/page.html", context)


def read_position(text: str) -> Position:
    """Return the position that an address names; invalid parts are ignored."""
    return {letter: int(number) for letter, number in POSITION.findall(text[:100])}


def write_position(position: Position) -> str:
    """Return a position for an address."""
    return "".join(f"{letter}{number}" for letter, number in position.items())


def list_entries(sources: Sequence[Source], filters: Filter, position: Position) -> tuple[list[Cells], Position | None]:
    """Return a page of entries, the newest first, and the position of the next page (None: this is the last one)."""
    pages = [
        [
            (at, source, row)
            for at, row in read_page(source, filters, below=position.get(source.letter), limit=SHOWN + 1)
        ]
        for source in sources
    ]
    # The order within a source is kept, so that its last row says where the next page begins.
    rows = list(merge(*pages, key=lambda each: each[0], reverse=True))
    below = position | {source.letter: row.pk for _, source, row in rows[:SHOWN]}
    cells = [[write_time(at), *DESCRIBED[source.letter](row)] for at, source, row in rows[:SHOWN]]
    return cells, below if len(rows) > SHOWN else None


def _link(request: HttpRequest, below: str) -> str:
    """Return the address of a page with the same filters."""
    query = {name: request.GET.get(name, "") for name in FilterForm.base_fields} | {"below": below}
    return reverse("activity", query={name: value for name, value in query.items() if value})


def _describe_receipt(receipt: Receipt) -> Cells:
    url = reverse("admin:batches_receipt_change", args=[receipt.pk])
    return [
        draw_label("receipt", ACTION_COLOURS[receipt.action]),
        receipt.actor,
        draw_link(url, f"{capfirst(receipt.get_action_display())} of {_subject(receipt)}"),
        receipt.account.username if receipt.account else "all accounts",
        receipt.reason,
    ]


def _subject(receipt: Receipt) -> str:
    if receipt.message_id is not None:
        return f"message {receipt.message_id}"
    if receipt.batch is not None:
        return label_of(receipt.batch)
    return "the account and its subusers" if receipt.account else "everything"


def _describe_change(entry: LogEntry) -> Cells:
    kind = entry.content_type.name if entry.content_type else "object"
    text = f"{capfirst(kind)} {FLAGS[entry.action_flag]}: {entry.object_repr}"
    url = entry.get_admin_url() if entry.action_flag != DELETION else None
    return [
        draw_label("change", "info"),
        f"{OPERATOR}{entry.user.get_username()}",
        draw_link(url, text) if url else text,
        "",
        entry.get_change_message(),
    ]


def _describe_sign_in(row: SignIn) -> Cells:
    return [
        draw_label("sign-in", "danger" if row.kind == SignIn.Kind.FAILED else "primary"),
        f"{OPERATOR}{row.username}" if row.username else "unknown name",
        capfirst(row.get_kind_display()),
        "",
        f"from {row.address}" if row.address else "",
    ]


DESCRIBED: Final[dict[str, Callable[[Any], Cells]]] = {
    RECEIPTS.letter: _describe_receipt,
    CHANGES.letter: _describe_change,
    SIGN_INS.letter: _describe_sign_in,
}
"""The functions that return the cells of a row after its time, by the letter of its source."""
