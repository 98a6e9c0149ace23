"""The requests of suppression lists.

No document has texts for what is wrong with them: these are ours."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Final

from pydantic import FailFast, Field, TypeAdapter, ValidationError
from rest_framework.request import Request

from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.mail.types import MAX_ADDRESS_LENGTH
from api.sendgrid.reading import read_number, read_object
from foundation.addresses import check_visible
from mailer.suppressions.lists import Window

EMAIL: Final = r"(?P<email>[^/\0]{1,320}|[^@\0]{1,300}@[^/@\0]{1,300})"
"""The pattern of an address in a path. Its local part may have slashes."""
MAX_EMAILS: Final = 10_000
"""Addresses in one request."""
MAX_LIMIT: Final = 500
LATEST: Final = 4_102_444_800
"""The year 2100: no list has anything later."""
TEXTS = TypeAdapter(Annotated[list[str], FailFast(), Field(max_length=MAX_EMAILS)])
INVALID_DELETION = Problem("either delete_all must be true, or emails an array of email addresses, and never both")
INVALID_EMAIL = Problem(f"email must be at most {MAX_ADDRESS_LENGTH} characters", "email")


def read_known(emails: list[str], field: str = "email") -> list[str]:
    """Accept texts that may be on a list. Raises UnfitCharacter for one with a character that nobody sees."""
    for email in emails:
        check_visible(email, field=field)
    return emails


def read_deletion(request: Request) -> list[str] | None:
    """The addresses to take off a list; None: all of them. Raises UnfitCharacter."""
    given = read_object(request)
    emails, is_all = given.get("emails"), given.get("delete_all")
    if is_all is True and emails is None:
        return None
    if is_all in (None, False) and emails is not None:
        try:
            return read_known(TEXTS.validate_python(emails, strict=True), "emails")
        except ValidationError:
            pass
    raise Refusal(400, INVALID_DELETION)


def read_window(request: Request) -> Window:
    """The part of a list that is wanted: `start_time`, `end_time`, `email`, `limit`, `offset`. Raises
    UnfitCharacter."""
    limit = read_number(request, "limit", lowest=1, highest=MAX_LIMIT)
    pattern = request.query_params.get("email", "")
    if len(pattern) > MAX_ADDRESS_LENGTH or "\0" in pattern:
        raise Refusal(400, INVALID_EMAIL)
    check_visible(pattern, field="email")
    return Window(
        limit=MAX_LIMIT if limit is None else limit,
        offset=read_number(request, "offset") or 0,
        since=read_time(request, "start_time"),
        until=read_time(request, "end_time"),
        pattern=pattern,
    )


def read_time(request: Request, name: str) -> dt.datetime | None:
    seconds = read_number(request, name, highest=LATEST)
    return None if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC)
