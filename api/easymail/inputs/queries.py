"""Query strings: pages, and what is looked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from api.campaign_words import WORDS, Dialect, statuses_called
from api.easymail.inputs import rules
from api.easymail.inputs.rules import Field, read_fields
from audience.contacts import Page
from campaigns.recipients import Wanted

Row = TypeVar("Row", bound=Model)

HIGHEST_PAGE: Final = 100
SEARCH_LENGTH: Final = 255
STATUSES: Final = tuple(dict.fromkeys(WORDS[Dialect.EASYMAIL].values()))
ORDERS: Final = {"created_at": "created_at", "updated_at": "updated_at", "name": "title"}
RECIPIENT_STATUSES: Final = ("pending", "sent", "failed")
PAGES: Final = (
    Field("page", rules.integer(1), 1),
    Field("per_page", rules.integer(1, HIGHEST_PAGE), HIGHEST_PAGE),
)
SEARCH: Final = Field("search", rules.text(SEARCH_LENGTH))


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for: which page, and the values of its other parameters, those that were given."""

    number: int
    size: int
    said: dict[str, Any]

    @property
    def page(self) -> Page:
        return Page(offset=(self.number - 1) * self.size, limit=self.size)

    def take(self, found: QuerySet[Row]) -> tuple[list[Row], int]:
        """The rows of the page, and how many there are in all."""
        total, (offset, limit) = found.count(), self.page
        # Beyond the end PostgreSQL need not be asked, nor could it always be.
        return list(found[offset : offset + limit]) if offset < total else [], total


def read_query(request: Request, *fields: Field) -> Query:
    """Raises the Refusal that names all parameters that are wrong."""
    said = read_fields(request.query_params.dict(), (*PAGES, *fields))
    return Query(said.pop("page", 1), said.pop("per_page", HIGHEST_PAGE), said)


def read_campaigns_query(request: Request) -> tuple[Query, dict[str, Any]]:
    """The second are arguments of `list_campaigns`."""
    orders = [f"{sign}{name}" for name in ORDERS for sign in ("", "-")]
    query = read_query(
        request, SEARCH, Field("status", rules.one_of(*STATUSES)), Field("sort", rules.one_of(*orders), "-created_at")
    )
    sort, status = query.said.get("sort", "-created_at"), query.said.get("status")
    return query, {
        "title": query.said.get("search") or "",
        "statuses": statuses_called(status, Dialect.EASYMAIL) if status else None,
        "order": f"{'-' * sort.startswith('-')}{ORDERS[sort.lstrip('-')]}",
    }


def read_recipients_query(request: Request) -> tuple[Query, Wanted]:
    query = read_query(
        request,
        SEARCH,
        Field("status", rules.one_of(*RECIPIENT_STATUSES)),
        Field("opened", rules.read_flag_text),
        Field("clicked", rules.read_flag_text),
    )
    return query, Wanted(**{name: value for name, value in query.said.items() if value is not None})


def read_include(request: Request, known: Iterable[str]) -> frozenset[str]:
    """What an answer shall have besides; names that nobody knows are passed over."""
    return frozenset(request.query_params.get("include", "").split(",")) & frozenset(known)
