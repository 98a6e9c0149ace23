"""Read the requests of unsubscribe groups. No document has texts for wrong ones: these are ours."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import FailFast, Field
from rest_framework.request import Request

from api.bodies import ANY, Body, condition
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import NUMBER, read_fields, read_object
from api.sendgrid.suppressions.inputs import MAX_EMAILS, read_known
from api.sendgrid.values import AddressText, Texts, is_short
from mailer.suppressions.groups import HIGHEST_ID

NAME_LENGTH, DESCRIPTION_LENGTH = 30, 100
INVALID_ID = Problem("id must be an integer", "id")


NOT_BLANK: Final = condition("required", str.strip)


class GroupChange(Body):
    """A change of a group; None leaves a field unchanged."""

    name: Annotated[str, NOT_BLANK, is_short(NAME_LENGTH)] | None = None
    description: Annotated[str, NOT_BLANK, is_short(DESCRIPTION_LENGTH)] | None = None
    is_default: bool | None = None


class NewGroup(Body):
    """A new group."""

    name: Annotated[str, NOT_BLANK, is_short(NAME_LENGTH)]
    description: Annotated[str, NOT_BLANK, is_short(DESCRIPTION_LENGTH)]
    is_default: bool | None = None


class Recipients(Body):
    """Addresses that are put on a list."""

    recipient_emails: Annotated[list[AddressText], FailFast(), Field(max_length=MAX_EMAILS)]


class SearchedRecipients(Body):
    """Addresses to search for on a list. A text that is not an address is never on a list."""

    recipient_emails: Annotated[list[str], FailFast(), Field(max_length=MAX_EMAILS)]


TEXTS: Final[Texts] = {
    (ANY, "string_type"): "{name} is required",
    (ANY, "missing"): "{name} is required",
    (ANY, "string_too_long"): "{name} must be at most {highest} characters",
    ("recipient_emails", ANY): f"recipient_emails must be an array of at most {MAX_EMAILS} email addresses",
}


def read_new_group(request: Request) -> NewGroup:
    """Return the group that the body of POST asm/groups asks for."""
    return read_fields(NewGroup, read_object(request), TEXTS)


def read_group_change(request: Request) -> GroupChange:
    """Return the change that the body of PATCH asm/groups/{id} asks for."""
    return read_fields(GroupChange, read_object(request), TEXTS)


def read_emails(request: Request) -> list[str]:
    """Return the addresses to put on a list, as they were written."""
    return read_fields(Recipients, read_object(request), TEXTS).recipient_emails


def read_searched_emails(request: Request) -> list[str]:
    """Return the texts to look for. Raises UnfitCharacter."""
    recipients = read_fields(SearchedRecipients, read_object(request), TEXTS)
    return read_known(recipients.recipient_emails, "recipient_emails")


def read_ids(request: Request) -> list[int]:
    """Return the ids of the groups that `?id=1&id=2` or `?id=1,2` names; an empty list stands for all groups."""
    ids = [text for value in request.query_params.getlist("id") for text in value.split(",")]
    if not all(map(NUMBER.fullmatch, ids)):
        raise Refusal(400, INVALID_ID)
    return [number for text in ids if (number := int(text)) <= HIGHEST_ID]
