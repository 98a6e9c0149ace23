"""Read the changes of mail settings. No document has texts for wrong ones; the core tells which values are valid."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from rest_framework.request import Request

from api.bodies import Body, FailFast, as_one
from api.sendgrid.reading import read_fields, read_number, read_object
from api.sendgrid.values import is_few
from content.settings import WHITELIST_ENTRIES


class Switch(Body):
    """A setting that is enabled or not. Fields that a request does not hold stay unchanged, here and below."""

    enabled: bool = False


class Whitelist(Switch):
    """The addresses and domains that are never suppressed."""

    entries: Annotated[list[str], FailFast(), as_one("array", of="strings"), is_few(WHITELIST_ENTRIES)] = Field(
        [], alias="list"
    )


class BouncePurge(Switch):
    """The days after which blocks and bounces are removed; null keeps them."""

    soft_bounces: int | None = None
    hard_bounces: int | None = None


class Footer(Switch):
    """The texts at the end of each mail."""

    html_content: str = ""
    plain_content: str = ""


class ForwardBounce(Switch):
    """The address that bounces are forwarded to."""

    email: str | None = None


class ForwardSpam(Switch):
    """The addresses that spam reports are forwarded to, separated by commas."""

    email: str = ""


class Template(Switch):
    """The HTML around that of each mail."""

    html_content: str = ""


def read_change(request: Request, model: type[Switch]) -> dict[str, Any]:
    """Return the parts of a setting that the body of a PATCH holds."""
    return read_fields(model, read_object(request)).model_dump(by_alias=True, exclude_unset=True)


def read_part(request: Request) -> slice:
    """Return the part of the list that `limit` and `offset` name; all of it without them."""
    offset = read_number(request, "offset") or 0
    limit = read_number(request, "limit", lowest=1)
    return slice(offset, None if limit is None else offset + limit)
