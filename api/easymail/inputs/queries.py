"""Read query strings: the page of a list, and the text to search for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeVar

from django.db.models import Model, QuerySet
from pydantic import Field
from rest_framework.request import Request

from api.bodies import Body
from api.campaign_words import WORDS, Dialect, statuses_called
from api.easymail.inputs.fields import FlagText, Uuid, choice, empty_as, integer, read_as, text
from audience.contacts import Page
from campaigns.recipients import RecipientFilter

Row = TypeVar("Row", bound=Model)
QueryModel = TypeVar("QueryModel", bound="Query")

HIGHEST_PAGE: Final = 100
SEARCH_LENGTH: Final = 255
STATUSES: Final = tuple(dict.fromkeys(WORDS[Dialect.EASYMAIL].values()))
ORDERS: Final = {"created_at": "created_at", "updated_at": "updated_at", "name": "title"}
SORTS: Final = [f"{sign}{name}" for name in ORDERS for sign in ("", "-")]
RECIPIENT_STATUSES: Final = ("pending", "sent", "failed")


class Query(Body):
    """The page of a list."""

    number: Annotated[int, integer(1), empty_as(1)] = Field(1, alias="page")
    size: Annotated[int, integer(1, HIGHEST_PAGE), empty_as(HIGHEST_PAGE)] = Field(HIGHEST_PAGE, alias="per_page")

    @property
    def page(self) -> Page:
        """Return the page as the core takes it."""
        return Page(offset=(self.number - 1) * self.size, limit=self.size)

    def take(self, rows: QuerySet[Row]) -> tuple[list[Row], int]:
        """Return the rows of the page, and the number of all rows."""
        total, (offset, limit) = rows.count(), self.page
        # A page beyond the end needs no query, and its offset may be too large for one.
        return list(rows[offset : offset + limit]) if offset < total else [], total


class Search(Query):
    """The page of a list, and a text to search for."""

    search: Annotated[str | None, text(SEARCH_LENGTH), empty_as(None)] = None


class ContactSearch(Search):
    """The query of contacts."""

    list_uuid: Annotated[Uuid | None, empty_as(None)] = None


class CampaignSearch(Search):
    """The query of campaigns."""

    status: Annotated[str | None, choice(*STATUSES), empty_as(None)] = None
    sort: Annotated[str, choice(*SORTS), empty_as("-created_at")] = "-created_at"


class RecipientSearch(Search):
    """The query of a campaign's recipients."""

    status: Annotated[str | None, choice(*RECIPIENT_STATUSES), empty_as(None)] = None
    opened: Annotated[FlagText | None, empty_as(None)] = None
    clicked: Annotated[FlagText | None, empty_as(None)] = None


def read_query(model: type[QueryModel], request: Request) -> QueryModel:
    """Return the query of a request. Raises the Refusal that names all problems."""
    return read_as(model, request.query_params.dict())


def read_campaigns_query(request: Request) -> tuple[CampaignSearch, dict[str, Any]]:
    """Return the query, and the arguments of `list_campaigns`."""
    query = read_query(CampaignSearch, request)
    sort, status = query.sort, query.status
    return query, {
        "title": query.search or "",
        "statuses": statuses_called(status, Dialect.EASYMAIL) if status else None,
        "order": f"{'-' * sort.startswith('-')}{ORDERS[sort.lstrip('-')]}",
    }


def read_recipients_query(request: Request) -> tuple[RecipientSearch, RecipientFilter]:
    """Return the query, and which recipients it asks for."""
    query = read_query(RecipientSearch, request)
    values = query.model_dump(include={"search", "status", "opened", "clicked"}, exclude_none=True)
    return query, RecipientFilter(**values)


def read_include(request: Request, parts: Iterable[str]) -> frozenset[str]:
    """Return the additional parts that the request names. Unknown names are ignored."""
    return frozenset(request.query_params.get("include", "").split(",")) & frozenset(parts)
