"""Read `page_size` and `page_token` of marketing lists, and write `_metadata` with full addresses.

A token names the row before or after a page, so rows that are created meanwhile do not move the pages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from api.sendgrid.errors import Problem, Refusal

TOKEN: Final = re.compile(r"(?P<side>[ab])(?P<id>[0-9]{1,10})", re.ASCII)
SIZE: Final = re.compile(r"[0-9]{1,6}", re.ASCII)
BAD_TOKEN: Final = Problem("page_token is not one of ours", "page_token")

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A page of a list: its rows, the newest first, and the other values of its answer."""

    rows: list[Row]
    metadata: dict[str, Any]


def read_size(request: Request, *, default: int, highest: int) -> int:
    """Return the number of entries of a page. Raises Refusal."""
    text = request.query_params.get("page_size")
    if text is None:
        return default
    if not SIZE.fullmatch(text) or not 1 <= int(text) <= highest:
        raise Refusal(400, Problem(f"page_size must be an integer from 1 to {highest}", "page_size"))
    return int(text)


def read_page(
    request: Request, rows_of_list: QuerySet[Row], *, default: int, highest: int, most: int | None = None
) -> Page[Row]:
    """Return the page of a list that a request asks for, shortened to `most` rows. Raises Refusal."""
    size = read_size(request, default=default, highest=highest)
    size = size if most is None else min(size, most)
    rows = _take(rows_of_list, request.query_params.get("page_token"), size)
    metadata: dict[str, Any] = {"self": request.build_absolute_uri()}
    if rows and rows_of_list.filter(pk__gt=rows[0].pk).exists():
        metadata["prev"] = address(request, f"b{rows[0].pk}")
    if rows and rows_of_list.filter(pk__lt=rows[-1].pk).exists():
        metadata["next"] = address(request, f"a{rows[-1].pk}")
    return Page(rows, metadata | {"count": rows_of_list.count()})


def _take(rows: QuerySet[Row], token: str | None, size: int) -> list[Row]:
    """Return the rows behind the row of a token, or the last ones before it."""
    if not token:
        return list(rows.order_by("-pk")[:size])
    match = TOKEN.fullmatch(token)
    if match is None:
        raise Refusal(400, BAD_TOKEN)
    if match["side"] == "a":
        return list(rows.filter(pk__lt=int(match["id"])).order_by("-pk")[:size])
    return list(rows.filter(pk__gt=int(match["id"])).order_by("pk")[:size])[::-1]


def read_offset_page(
    request: Request, entries: list[Any], *, default: int, highest: int
) -> tuple[list[Any], dict[str, Any]]:
    """Return a page of entries that are in memory and have no ids. Its token says how many entries lie before it."""
    size = read_size(request, default=default, highest=highest)
    token = request.query_params.get("page_token") or "0"
    if not SIZE.fullmatch(token):
        raise Refusal(400, BAD_TOKEN)
    offset = int(token)
    metadata: dict[str, Any] = {"self": request.build_absolute_uri()}
    if offset:
        metadata["prev"] = address(request, str(max(0, offset - size)))
    if offset + size < len(entries):
        metadata["next"] = address(request, str(offset + size))
    return entries[offset : offset + size], metadata | {"count": len(entries)}


def address(request: Request, token: str) -> str:
    """Return the address of another page of the same list."""
    query = request.query_params.copy()
    query["page_token"] = token
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
