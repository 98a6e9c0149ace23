"""Retrieve: sends and their properties, in pages.

What a next page needs is in the RequestID of the reply that has more: signed, for the account that asked. So nothing is
kept, any process can go on, and a page begins behind the last ID of the one before, whatever has changed meanwhile.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.core import signing
from django.db.models import Case, Q, QuerySet, When
from django.db.models.functions import Coalesce
from lxml import etree

from accounts.models import Account
from api.soap.calls import Call
from api.soap.codes import ERROR, MORE, OK
from api.soap.filters import RetrieveError, read_filter, shown
from api.soap.objects import SEND
from api.soap.outputs import add, payload
from api.soap.properties import BY_NAME, PARTS, Row, write_send
from api.soap.reading import Element, child, elements, parse, text, text_of
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from campaigns.statistics import Statistics, statistics_of

PAGE: Final = 2500
CONTINUE_HOURS: Final = 24
SALT: Final = "api.soap.continue"
NOT_CONTINUED: Final = "ContinueRequest names no request of the last day that has more."
BEGUN: Final = (CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.SENT)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is wanted: names of properties, a filter as it was written, and from where on."""

    properties: frozenset[str]
    criteria: str
    size: int
    after: int = 0


def retrieve(call: Call) -> Element:
    """The reply. What is wrong is said in its status."""
    made = payload("RetrieveResponseMsg")
    try:
        asked = read_asked(call)
        rows = find_rows(call.account, asked)
    except RetrieveError as error:
        add(made, "OverallStatus", f"{ERROR}: {error}")
        add(made, "RequestID", call.id)
        return made
    has_more = len(rows) > asked.size
    add(made, "OverallStatus", MORE if has_more else OK)
    add(made, "RequestID", continue_with(call, asked, rows[asked.size - 1]) if has_more else call.id)
    for row in with_values(rows[: asked.size], asked):
        write_send(made, row, asked.properties)
    return made


def read_asked(call: Call) -> Asked:
    """Raises RetrieveError."""
    request = child(call.payload, "RetrieveRequest")
    if request is None:
        raise RetrieveError("There is no RetrieveRequest.")
    if more := text(request, "ContinueRequest"):
        return continued(call, more)
    kind = text(request, "ObjectType")
    if kind != SEND:
        raise RetrieveError(
            f"Unable to find a handler for object type: {shown(kind)}. Object types are case-sensitive, check spelling."
        )
    named = [said for each in elements(request, "Properties") if (said := text_of(each))]
    if unknown := [shown(name) for name in named if name not in BY_NAME and name not in PARTS]:
        raise RetrieveError(
            f"The Request Property(s) {', '.join(unknown[:10])} do not match with the fields of Send retrieve"
        )
    criteria = child(request, "Filter")
    written = "" if criteria is None else etree.tostring(criteria, encoding="unicode", with_tail=False)
    properties = frozenset[str]().union(*(PARTS.get(name, {name}) for name in named)) or frozenset(BY_NAME)
    return Asked(properties, written, page_size(text(request, "Options", "BatchSize")))


def page_size(said: str | None) -> int:
    """What is asked for, up to `PAGE`."""
    wanted = int(said) if said and said.isdecimal() and len(said) < 10 else PAGE
    return min(max(wanted, 1), PAGE)


def find_rows(account: Account, asked: Asked) -> list[Campaign]:
    """One more than the page has, if there are more. Raises RetrieveError."""
    condition = read_filter(parse(asked.criteria.encode())) if asked.criteria else Q()
    return list(sends_of(account).filter(condition, pk__gt=asked.after)[: asked.size + 1])


def sends_of(account: Account) -> QuerySet[Campaign]:
    """The account's campaigns without their contents; `email_id` and `sent_at` are the wire's."""
    own = Campaign.objects.by_clock().filter(account=account, deleted_at=None).select_related("sender")
    sent_at = Case(When(status_now__in=BEGUN, then="begins_at"))
    named = own.annotate(email_id=Coalesce("original_id", "pk"), sent_at=sent_at)
    return named.defer("html_content", "plain_content").order_by("pk")


def with_values(campaigns: list[Campaign], asked: Asked) -> list[Row]:
    """Counts are made only if one is wanted, for all of them at once."""
    is_counted = any(BY_NAME[name].is_counted for name in asked.properties)
    counted = statistics_of(campaigns) if is_counted else {}
    nothing = Statistics()
    return [
        Row(each, counted.get(each.pk, nothing), getattr(each, "email_id"), getattr(each, "sent_at"))  # noqa: B009
        for each in campaigns
    ]


def continue_with(call: Call, asked: Asked, last: Campaign) -> str:
    """The RequestID of a reply that has more."""
    until = int((call.key.found_at + dt.timedelta(hours=CONTINUE_HOURS)).timestamp())
    said = [call.account.pk, until, sorted(asked.properties), asked.criteria, asked.size, last.pk]
    return signing.dumps(said, salt=SALT, compress=True)


def continued(call: Call, said: str) -> Asked:
    """Raises RetrieveError."""
    try:
        account, until, properties, criteria, size, after = signing.loads(said, salt=SALT)
    except signing.BadSignature:
        raise RetrieveError(NOT_CONTINUED) from None
    if account != call.account.pk or until <= call.key.found_at.timestamp():
        raise RetrieveError(NOT_CONTINUED)
    return Asked(frozenset(properties), criteria, size, after)
