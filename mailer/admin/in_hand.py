"""Show mail in hand: messages that are held or in doubt, for a person to replay or to drop.

Without an account, the page lists the accounts that have such mail; with one, its messages, a page at a time. The
address names the choice of the person, so the question that follows is a GET, and only its answer changes anything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.models import Account
from batches.admin.asking import require
from batches.admin.control import MAY_CONTROL
from batches.admin.figures import batch_link
from batches.counts import Tally
from batches.models import Batch
from foundation.admin import draw_figure, draw_label, draw_link, mark_numbers, read_id, tell_time, write_time
from mailer.admin.drawing import STATE_COLOURS, draw_quote
from mailer.admin.message_list import link_messages
from mailer.in_hand import Place, Selection, Why, accounts_in_hand, find_in_hand, tally_in_hand
from mailer.listing.filters import Filters
from mailer.listing.standings import read_standings
from mailer.models import Event, EventKind, Message
from mailer.outcomes.reading import OUTCOMES, read_events

MAY_SEE = "mailer.view_message"
SHOWN = 50
CHOSEN_AT_MOST = 500
BATCH_INPUT = UnfoldAdminTextInputWidget(attrs={"id": "batch", "placeholder": "batch id", "size": 36})


@dataclass(frozen=True, slots=True)
class Choice:
    """The choice that an address names: an account, a kind, perhaps a batch, and messages of it."""

    account: Account
    why: Why
    batch: Batch | None = None
    message_ids: frozenset[int] | None = None

    @classmethod
    def read(cls, query: QueryDict) -> Choice | None:
        """Read the choice from an address; None when it names no account.

        Objects that do not exist and objects of another account are ignored.
        """
        if not query.get("account"):
            return None
        account_id, public_id = read_id(query.get("account", "")), query.get("batch", "").strip()
        batch = None
        if public_id:
            batches = Batch.objects.select_related("account")
            batch = get_object_or_404(batches, account=account_id, public_id=public_id)
        ids = [read_id(str(text)) for text in query.getlist("message")[:CHOSEN_AT_MOST]]
        return cls(
            batch.account if batch else get_object_or_404(Account, pk=account_id),
            Why.IN_DOUBT if query.get("why") == Why.IN_DOUBT.value else Why.HELD,
            batch,
            frozenset(ids) if ids else None,
        )

    @property
    def selection(self) -> Selection:
        """Return the choice for the core, which knows no hidden batch.

        Single messages can be chosen in it, but not all of its messages together.
        """
        batch = None if self.batch and self.batch.is_default and self.message_ids is not None else self.batch
        return Selection(self.why, batch.public_id if batch else None, self.message_ids)

    def link(self, route: str = "in_hand", **more: Any) -> str:
        """Return the address of the same choice, without its messages."""
        batch = {"batch": self.batch.public_id} if self.batch else {}
        return reverse(route, query={"account": self.account.pk, "why": self.why.value, **batch, **more})


def show_in_hand(request: HttpRequest) -> HttpResponse:
    """Show the accounts that have mail in hand, or the messages of one of them."""
    require(request, MAY_SEE)
    choice = Choice.read(request.GET)
    context = {**admin.site.each_context(request), "title": "Mail in hand"}
    if choice is None:
        return TemplateResponse(request, "mailer/accounts_in_hand.html", {**context, "table": tabulate_accounts()})
    may_decide = request.user.has_perm(MAY_CONTROL)
    return TemplateResponse(
        request, "mailer/in_hand.html", {**context, **show_messages(choice, _place(request.GET), may_decide=may_decide)}
    )


def tabulate_accounts() -> dict[str, Any]:
    """Return the accounts with mail in hand, for unfold's table; each number leads to its list."""
    messages = {why: accounts_in_hand(why) for why in Why}
    accounts = Account.objects.filter(pk__in=set().union(*messages.values())).order_by("username")
    return {
        "headers": ["Account", "Held", "In doubt", "Held when later than", "Mail in doubt is"],
        "rows": [
            [
                draw_link(reverse("admin:accounts_account_change", args=[account.pk]), account.username),
                *(_count_link(Choice(account, why), messages[why].get(account.pk, 0)) for why in Why),
                draw_quote(f"{account.lateness_limit:,} s" if account.lateness_limit else "never"),
                "sent again" if account.doubt_policy else "held",
            ]
            for account in accounts
        ],
    }


def _count_link(choice: Choice, messages: int) -> SafeString:
    figure = draw_figure(f"hand:{choice.account.pk}:{choice.why.value}", messages)
    return draw_link(choice.link(), figure) if messages else figure


def show_messages(choice: Choice, after: Place, *, may_decide: bool) -> dict[str, Any]:
    """Return a page of an account's messages in hand, and what can be done with them."""
    parcels, next_place = find_in_hand(choice.account, choice.why, batch=choice.batch, after=after, limit=SHOWN)
    kinds = [Choice(choice.account, why, choice.batch) for why in Why]
    tallies = {kind.why: tally_in_hand(kind.why, kind.account, batch=kind.batch) for kind in kinds}
    return {
        "title": f"Mail in hand of {choice.account}",
        "choice": choice,
        "kinds": [
            (_name(kind.why), _draw_tally(kind, tallies[kind.why]), kind.link(), kind.why is choice.why)
            for kind in kinds
        ],
        "table": tabulate(parcels, choice, may_decide=may_decide),
        "batch_input": BATCH_INPUT.render("batch", choice.batch and choice.batch.public_id),
        "may_decide": may_decide,
        "may_decide_all": may_decide and not (choice.batch and choice.batch.is_default),
        "replay": format_html('formaction="{}"', reverse("in_hand_replay")),
        "drop": format_html('formaction="{}"', reverse("in_hand_drop")),
        "all_of_it": format_html(
            "all {} of this {}", _draw_tally(choice, tallies[choice.why]), "batch" if choice.batch else "account"
        ),
        "every_batch": Choice(choice.account, choice.why).link() if choice.batch else "",
        "list": link_messages(Filters(account=choice.account, batch=choice.batch, state=choice.why.value)),
        "first_page": choice.link() if after > (0, -1) else "",
        "next_page": choice.link(after="{}.{}".format(*next_place)) if next_place else "",
    }


def _draw_tally(kind: Choice, tally: Tally) -> SafeString:
    """Return how many messages are in hand, perhaps with "or more"."""
    return mark_numbers(str(tally), key_of_hand(kind))


def key_of_hand(kind: Choice) -> str:
    """Return the key of the messages that an account has in hand for a reason, perhaps of one batch."""
    batch = [str(kind.batch.pk)] if kind.batch else []
    return ":".join(["hand", str(kind.account.pk), kind.why.value, *batch])


def tabulate(parcels: Mapping[int, Any], choice: Choice, *, may_decide: bool) -> dict[str, Any]:
    """Return messages in hand for unfold's table, from their ids and parcels."""
    recipients = dict(Message.objects.filter(pk__in=parcels).values_list("pk", "recipient"))
    standings = read_standings(list(parcels))
    outcomes = read_events(parcels, kinds=OUTCOMES, limit=1) if choice.why is Why.IN_DOUBT else {}
    return {
        "headers": [*(["Choose"] if may_decide else []), "Recipient", "Batch", "send_at (UTC)", "State", "Why"],
        "rows": [
            [
                *([_box(message_id, recipient)] if may_decide else []),
                draw_link(reverse("admin:mailer_message_change", args=[message_id]), recipient),
                _draw_batch(parcel.batch),
                _tell_send_at(standings[message_id].send_at, parcel.read_at),
                _draw_state(standings[message_id].state),
                draw_quote(tell_why(choice, *outcomes.get(message_id, []))),
            ]
            for message_id, parcel in parcels.items()
            # The history of the other messages is being removed.
            if (recipient := recipients.get(message_id))
        ],
    }


def _draw_batch(batch: Batch) -> str:
    return "none" if batch.is_default else batch_link(batch.pk, batch.public_id)


def _tell_send_at(send_at: dt.datetime | None, now: dt.datetime) -> str:
    return f"{write_time(send_at)} ({tell_time(send_at, now)})" if send_at else ""


def _draw_state(state: str) -> SafeString:
    return draw_label(state.replace("_", " "), STATE_COLOURS.get(state, ""))


def _box(message_id: int, recipient: str) -> SafeString:
    return format_html(
        '<input type="checkbox" name="message" value="{}" aria-label="Choose the message to {}">', message_id, recipient
    )


def tell_why(choice: Choice, last: Event | None = None) -> str:
    """Return why a message is in hand: its lateness, or its last outcome."""
    if choice.why is Why.HELD:
        limit = choice.account.lateness_limit
        return f"later than {limit:,} s" if limit else "it was late, by a limit that no longer exists"
    if last is None:
        return "the peer did not answer after its last byte"
    return f"{write_time(last.at)} {EventKind(last.kind).label}: {last.reply or 'the peer did not answer'}"


def _name(why: Why) -> str:
    return why.value.replace("_", " ").capitalize()


def _place(query: QueryDict) -> Place:
    parcel, _, n = query.get("after", "").partition(".")
    return (read_id(parcel), read_id(n)) if n else (0, -1)
