"""The requests of unsubscribe groups and suppression lists.

No document has texts for what is wrong with them: these are ours.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import FailFast, Field, TypeAdapter, ValidationError
from rest_framework.request import Request

from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.inputs.resources import read_object
from api.sendgrid.inputs.schema import MAX_ADDRESS_LENGTH, AddressText
from foundation.addresses import check_visible
from mailer.suppressions.groups import HIGHEST_ID
from mailer.suppressions.lists import Window

NAME_LENGTH, DESCRIPTION_LENGTH = 30, 100
MAX_EMAILS: Final = 10_000
"""Addresses in one request."""
MAX_LIMIT: Final = 500
LATEST: Final = 4_102_444_800
"""The year 2100: no list has anything later."""
NUMBER = re.compile(r"[0-9]{1,12}")

ADDRESSES = TypeAdapter(Annotated[list[AddressText], FailFast(), Field(max_length=MAX_EMAILS)])
TEXTS = TypeAdapter(Annotated[list[str], FailFast(), Field(max_length=MAX_EMAILS)])

INVALID_EMAILS = Problem(
    f"recipient_emails must be an array of at most {MAX_EMAILS} email addresses", "recipient_emails"
)
INVALID_DELETION = Problem("either delete_all must be true, or emails an array of email addresses, and never both")
INVALID_ID = Problem("id must be an integer", "id")
INVALID_EMAIL = Problem(f"email must be at most {MAX_ADDRESS_LENGTH} characters", "email")


@dataclass(frozen=True, slots=True)
class GroupRequest:
    """A group to be; in a change None stands for what nothing was said of."""

    name: str | None
    description: str | None
    is_default: bool | None


def read_new_group(request: Request) -> GroupRequest:
    """The body of POST asm/groups."""
    return read_group(read_object(request), required=("name", "description"))


def read_group_change(request: Request) -> GroupRequest:
    """The body of PATCH asm/groups/{id}."""
    return read_group(read_object(request), required=())


def read_group(given: Mapping[str, Any], *, required: tuple[str, ...]) -> GroupRequest:
    problems = [
        problem
        for name, length in (("name", NAME_LENGTH), ("description", DESCRIPTION_LENGTH))
        if (problem := find_problem(given, name, length, is_required=name in required))
    ]
    is_default = given.get("is_default")
    if is_default is not None and not isinstance(is_default, bool):
        problems.append(Problem("is_default must be a boolean", "is_default"))
    if problems:
        raise Refusal(400, *problems)
    return GroupRequest(given.get("name"), given.get("description"), is_default)


def find_problem(given: Mapping[str, Any], name: str, length: int, *, is_required: bool) -> Problem | None:
    value = given.get(name)
    if value is None and not is_required:
        return None
    if not isinstance(value, str) or not value.strip():
        return Problem(f"{name} is required", name)
    return Problem(f"{name} must be at most {length} characters", name) if len(value) > length else None


def read_emails(request: Request) -> list[str]:
    """The addresses to put on a list, as they were given."""
    try:
        return ADDRESSES.validate_python(read_object(request).get("recipient_emails"), strict=True)
    except ValidationError:
        raise Refusal(400, INVALID_EMAILS) from None


def read_searched_emails(request: Request) -> list[str]:
    """The addresses to look for: whatever is none is on no list. Raises UnfitCharacter."""
    try:
        emails = TEXTS.validate_python(read_object(request).get("recipient_emails"), strict=True)
    except ValidationError:
        raise Refusal(400, INVALID_EMAILS) from None
    return read_known(emails, "recipient_emails")


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


def read_ids(request: Request) -> list[int]:
    """`?id=1&id=2` or `?id=1,2`: the groups that are wanted; none: all."""
    given = [each for text in request.query_params.getlist("id") for each in text.split(",")]
    if not all(map(NUMBER.fullmatch, given)):
        raise Refusal(400, INVALID_ID)
    return [number for each in given if (number := int(each)) <= HIGHEST_ID]


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


def read_number(request: Request, name: str, *, lowest: int = 0, highest: int = 10**12) -> int | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    if not NUMBER.fullmatch(given) or not lowest <= int(given) <= highest:
        raise Refusal(400, Problem(f"{name} must be an integer from {lowest} to {highest}", name))
    return int(given)
