"""The requests of unsubscribe groups.

No document has texts for what is wrong with them: these are ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import FailFast, Field, TypeAdapter, ValidationError
from rest_framework.request import Request

from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.mail.types import AddressText
from api.sendgrid.reading import NUMBER, read_object
from api.sendgrid.suppressions.inputs import MAX_EMAILS, TEXTS, read_known
from mailer.suppressions.groups import HIGHEST_ID

NAME_LENGTH, DESCRIPTION_LENGTH = 30, 100

ADDRESSES = TypeAdapter(Annotated[list[AddressText], FailFast(), Field(max_length=MAX_EMAILS)])

INVALID_EMAILS = Problem(
    f"recipient_emails must be an array of at most {MAX_EMAILS} email addresses", "recipient_emails"
)
INVALID_ID = Problem("id must be an integer", "id")


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


def read_ids(request: Request) -> list[int]:
    """`?id=1&id=2` or `?id=1,2`: the groups that are wanted; none: all."""
    given = [each for text in request.query_params.getlist("id") for each in text.split(",")]
    if not all(map(NUMBER.fullmatch, given)):
        raise Refusal(400, INVALID_ID)
    return [number for each in given if (number := int(each)) <= HIGHEST_ID]
