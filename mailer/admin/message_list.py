"""List messages by filters, with links to the actions on all messages that match.

The address of the page has the filters, in any combination, so that other pages can link to it (`link_messages`):

- `q`: an address, an X-Message-Id, a Message-ID, the public id of a batch, or a message's id;
- `state`: one of `mailer.listing.filters.STATES`, or `waiting` for everything that may still be sent;
- `account`: a username; the messages of its subusers are not included;
- `batch`: the public id of a batch;
- `day`: the day of `send_at` in UTC, as `2026-11-30`. Filters by day use `send_at`, and not the time of an event, since
  the parcels of a message tell it without a look at its events;
- `domain`: the domain of the first recipient;
- `reply`: one of `mailer.listing.filters.REPLIES`, such as `class_content` or `invalid_address`: a peer has refused or
  deferred the message for this reason, perhaps before it was sent.

`before` and `after` are the place in the list: the id of a message, whose older or newer neighbours are shown. Such an
address always shows the same neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from batches.admin.asking import require
from batches.admin.figures import batch_link
from foundation.admin import draw_label, draw_link, mark_numbers, write_time
from mailer.admin.bulk import buttons_of
from mailer.admin.drawing import STATE_COLOURS, draw_text
from mailer.admin.filtering import ListForm
from mailer.listing.filters import Filters
from mailer.listing.finding import Matches, find_messages
from mailer.listing.parcels import NEWEST, Place
from mailer.listing.rows import Row, read_rows
from mailer.models import Message

MAY_SEE = "mailer.view_message"
SHOWN: Final = 50
SUBJECT_SHOWN: Final = 100
ROUTE: Final = "admin:mailer_message_changelist"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list that an address names: the filters, and the place where it begins."""

    filters: Filters
    place: Place

    @property
    def query(self) -> dict[str, str]:
        return self.filters.as_query()

    def link(self, **more: int) -> str:
        """Return the address of another place in the same list, or of its beginning."""
        return reverse(ROUTE, query={**self.query, **{name: str(value) for name, value in more.items()}})


def link_messages(filters: Filters) -> str:
    """Return the address of the list of these messages, for a page that has a figure about them."""
    return reverse(ROUTE, query=filters.as_query())


@require_safe
def show_list(request: HttpRequest) -> HttpResponse:
    """Show the messages that meet the filters, the newest first."""
    require(request, MAY_SEE)
    form = ListForm(request.GET)
    context = {**admin.site.each_context(request), "title": "Messages", "form": form, "opts": Message._meta}
    if not form.is_valid():
        return TemplateResponse(request, "mailer/messages.html", context, status=400)
    part = Part(form.filters, read_place(request.GET))
    context |= {"buttons": buttons_of(request, part.filters), "export": reverse("export_messages", query=part.query)}
    return TemplateResponse(request, "mailer/messages.html", context | show_part(part))


def read_place(query: QueryDict) -> Place:
    """Return the place that an address names; the newest messages if it names none."""
    for name in ("before", "after"):
        text = query.get(name, "")
        if text.isascii() and text.isdecimal() and len(text) <= 18:
            return Place(int(text), is_upward=name == "after")
    return Place()


def show_part(part: Part) -> dict[str, Any]:
    """Return the context of a part of the list."""
    matches = find_messages(part.filters, part.place, limit=SHOWN)
    rows = read_rows(sorted(matches.ids, reverse=True), matches.standings)
    newer, older = _neighbours(part, matches)
    return {
        "part": part,
        "rows": rows,
        "table": tabulate(rows),
        "newer": newer,
        "older": older,
        "newest": "" if part.place == Place() else part.link(),
        "how_far": tell_how_far(matches, part.place) if matches.is_cut else "",
    }


def _neighbours(part: Part, matches: Matches) -> tuple[str, str]:
    """Return the addresses of the newer and the older messages; empty if the list ends there."""
    ids, place = matches.ids, part.place
    if place.is_upward:
        # The page shows the oldest messages above the place, so there may be others below it.
        below = min(ids) if ids else place.message_id + 1
        return part.link(after=matches.end) if matches.end is not None else "", part.link(before=below)
    above = max(ids) if ids else place.message_id - 1
    newer = part.link(after=above) if place.message_id != NEWEST else ""
    return newer, part.link(before=matches.end) if matches.end is not None else ""


def tell_how_far(matches: Matches, place: Place) -> str:
    """Return how far the search went before the page was full."""
    direction = "newer" if place.is_upward else "older"
    return mark_numbers(
        f"The search looked at parcels with {matches.looked_at:,} messages and found {len(matches.ids):,} that match. "
        f"It has not looked at {direction} messages yet.",
        "search:looked_at",
        "search:found",
    )


def tabulate(rows: list[Row]) -> dict[str, Any]:
    """Return messages for unfold's table."""
    return {
        "headers": ["Recipient", "State", "Account", "Batch", "send_at (UTC)", "Subject", "Id"],
        "rows": [
            [
                draw_text(row.message.recipient, reverse("admin:mailer_message_change", args=[row.message.pk])),
                draw_label(row.state.replace("_", " "), STATE_COLOURS.get(row.state, "")),
                row.mail.account.username if row.mail else "",
                _name_batch(row),
                write_time(row.send_at),
                draw_text(row.subject[:SUBJECT_SHOWN]),
                format_html("<code>{}</code>", row.message.pk),
            ]
            for row in rows
        ],
    }


def _name_batch(row: Row) -> SafeString | str:
    if row.mail is None:
        return ""
    if row.mail.batch.is_default:
        return draw_link(reverse("admin:batches_batch_change", args=[row.mail.batch_id]), "none")
    return batch_link(row.mail.batch_id, row.mail.batch.public_id)
