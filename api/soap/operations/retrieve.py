"""Retrieve sends and their properties, in pages.

The RequestID of a reply with more pages holds the parameters of the next page, signed for the caller's account. So
nothing is stored, any process can continue, and a page begins behind the last ID of the page before, whatever has
changed since.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

from django.core import signing
from django.db.models import Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, NullIf
from lxml import etree

from accounts.models import Account
from api.soap.calls import Call
from api.soap.codes import ERROR, MORE, OK
from api.soap.filters import RetrieveError, read_filter, shown
from api.soap.objects import SEND
from api.soap.outputs import add, payload
from api.soap.properties import BY_NAME, PARTS, Row, write_send
from api.soap.reading import Element, child, elements, parse, text, text_of
from campaigns.models import BEGAN_SENDING, Campaign
from campaigns.statistics import Statistics, statistics_of

PAGE: Final = 2500
CONTINUE_HOURS: Final = 24
SALT: Final = "api.soap.continue"
ANNOTATIONS: Final = ("email_id", "sent_at", "sender_name")
"""The names of the annotations, in the order of the fields of `Row`."""
NOT_CONTINUED: Final = "ContinueRequest names no request of the last day that has more."


@dataclass(frozen=True, slots=True)
class Request:
    """The content of a request: names of properties, a filter as it was written, and the last ID of the page before."""

    properties: frozenset[str]
    criteria: str
    size: int
    after: int = 0


def retrieve(call: Call) -> Element:
    """Return the reply to a Retrieve. Its status holds the error, if one occurred."""
    reply = payload("RetrieveResponseMsg")
    try:
        request = read_request(call)
        rows = find_rows(call.account, request)
    except RetrieveError as error:
        add(reply, "OverallStatus", f"{ERROR}: {error}")
        add(reply, "RequestID", call.id)
        return reply
    has_more = len(rows) > request.size
    add(reply, "OverallStatus", MORE if has_more else OK)
    add(reply, "RequestID", continue_with(call, request, rows[request.size - 1]) if has_more else call.id)
    for row in with_values(rows[: request.size], request):
        write_send(reply, row, request.properties)
    return reply


def read_request(call: Call) -> Request:
    """Return the content of a request. Raises RetrieveError."""
    element = child(call.payload, "RetrieveRequest")
    if element is None:
        raise RetrieveError("There is no RetrieveRequest.")
    if request_id := text(element, "ContinueRequest"):
        return continued(call, request_id)
    kind = text(element, "ObjectType")
    if kind != SEND:
        raise RetrieveError(
            f"Unable to find a handler for object type: {shown(kind)}. Object types are case-sensitive, check spelling."
        )
    names = [name for each in elements(element, "Properties") if (name := text_of(each))]
    if unknown := [shown(name) for name in names if name not in BY_NAME and name not in PARTS]:
        raise RetrieveError(
            f"The Request Property(s) {', '.join(unknown[:10])} do not match with the fields of Send retrieve"
        )
    criteria = child(element, "Filter")
    filter_text = "" if criteria is None else etree.tostring(criteria, encoding="unicode", with_tail=False)
    properties = frozenset[str]().union(*(PARTS.get(name, {name}) for name in names)) or frozenset(BY_NAME)
    return Request(properties, filter_text, page_size(text(element, "Options", "BatchSize")))


def page_size(text: str | None) -> int:
    """Return the size of a page: the requested one, or `PAGE` if that is smaller."""
    size = int(text) if text and text.isdecimal() and len(text) < 10 else PAGE
    return min(max(size, 1), PAGE)


def find_rows(account: Account, request: Request) -> list[Campaign]:
    """Return the rows of a page, and one more if another page follows. Raises RetrieveError."""
    condition = read_filter(parse(request.criteria.encode())) if request.criteria else Q()
    return list(sends_of(account).filter(condition, pk__gt=request.after)[: request.size + 1])


def sends_of(account: Account) -> QuerySet[Campaign]:
    """Return the account's campaigns without their contents.

    The API's `email_id` and `sent_at`, and the `sender_name` that recipients see, are annotations.
    """
    sends = Campaign.objects.by_clock().filter(account=account, deleted_at=None).select_related("sender")
    from_name = Coalesce(NullIf("from_name", Value("")), "sender__from_name", output_field=TextField())
    annotated = sends.annotate(email_id=Coalesce("original_id", "pk"), sent_at=BEGAN_SENDING, sender_name=from_name)
    return annotated.defer("html_content", "plain_content").order_by("pk")


def with_values(campaigns: list[Campaign], request: Request) -> list[Row]:
    """Return the rows with their statistics, which are read for all rows at once if a property needs them."""
    is_counted = any(BY_NAME[name].is_counted for name in request.properties)
    counted = statistics_of(campaigns) if is_counted else {}
    no_statistics = Statistics()
    return [
        Row(each, counted.get(each.pk, no_statistics), *(getattr(each, name) for name in ANNOTATIONS))
        for each in campaigns
    ]


def continue_with(call: Call, request: Request, last: Campaign) -> str:
    """Return the RequestID of a reply that another page follows."""
    until = int((call.key.found_at + dt.timedelta(hours=CONTINUE_HOURS)).timestamp())
    content = [call.account.pk, until, sorted(request.properties), request.criteria, request.size, last.pk]
    return signing.dumps(content, salt=SALT, compress=True)


def continued(call: Call, request_id: str) -> Request:
    """Return the content of a request for the next page. Raises RetrieveError."""
    try:
        account, until, properties, criteria, size, after = signing.loads(request_id, salt=SALT)
    except signing.BadSignature:
        raise RetrieveError(NOT_CONTINUED) from None
    if account != call.account.pk or until <= call.key.found_at.timestamp():
        raise RetrieveError(NOT_CONTINUED)
    return Request(frozenset(properties), criteria, size, after)
