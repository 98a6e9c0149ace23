"""The requests of Single Sends, and of test mail. All that is wrong with one is told at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from rest_framework.request import Request

from api.campaign_words import Dialect, statuses_called
from api.http import keep_body
from api.sendgrid import field_readers as fields
from api.sendgrid.campaign_texts import TEST_LACKS
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.field_readers import Field, Wrong, one_field, or_none, read_fields
from api.sendgrid.ids import find_uuid
from api.sendgrid.reading import read_list, read_object
from campaigns.editing import EditingRules
from campaigns.errors import Lack, UnknownCampaign
from campaigns.states import CampaignStatus

RULES: Final = EditingRules(needs_verified_sender=True)
STATUSES: Final = ("draft", "scheduled", "triggered")
MAX_IDS: Final = 50
MAX_SEARCHED: Final = 100
BAD_SEND_AT: Final = Problem("send_at must be a time like 2030-01-31T08:30:00Z, or now", "send_at")
NO_SENDER: Final = Problem(TEST_LACKS[Lack.SENDER][1], "sender_id")


def read_nothing(value: Any) -> None:
    """Of what does not exist here: designs, versions of templates."""
    if value not in (None, ""):
        raise Wrong("{name} does not exist")


def read_uuid(value: Any) -> UUID:
    uuid = find_uuid(fields.read_text(value))
    if uuid is None:
        raise Wrong("{name} must be a UUID")
    return uuid


def read_statuses(value: Any) -> frozenset[CampaignStatus]:
    if not isinstance(value, list) or not all(each in STATUSES for each in value):
        raise Wrong(f"{{name}} must be an array of {', '.join(STATUSES)}")
    return frozenset(status for each in value for status in statuses_called(each, Dialect.SINGLE_SENDS))


def read_searched(value: Any) -> str:
    if len(text := fields.read_text(value)) > MAX_SEARCHED:
        raise Wrong(f"{{name}} is too long (maximum is {MAX_SEARCHED} characters)")
    return text


def read_searched_categories(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or len(value) > MAX_SEARCHED:
        raise Wrong(f"{{name}} must be an array of at most {MAX_SEARCHED} strings")
    return value


PLAIN: Final = (
    Field("name", fields.read_title, "title"),
    Field("categories", fields.read_categories, "categories"),
    Field("send_at", or_none(fields.read_time), "send_at"),
)
WITHIN: Final = {
    "send_to": (
        Field("list_ids", fields.several_uuids(fields.MAX_LISTS), "lists"),
        Field("segment_ids", fields.several_uuids(fields.MAX_SEGMENTS), "segments"),
        Field("all", fields.read_flag, "is_to_all"),
    ),
    "email_config": (
        Field("subject", fields.read_line, "subject"),
        Field("html_content", fields.read_content, "html_content"),
        Field("plain_content", fields.read_content, "plain_content"),
        Field("generate_plain_content", fields.read_flag, "generates_plain"),
        Field("design_id", read_nothing, "design"),
        Field("editor", fields.read_editor, "editor"),
        Field("suppression_group_id", or_none(fields.read_id), "suppression_group"),
        Field("custom_unsubscribe_url", or_none(fields.read_url, ""), "custom_unsubscribe_url"),
        Field("sender_id", or_none(fields.read_id), "sender"),
        Field("ip_pool", or_none(fields.read_pool, ""), "ip_pool"),
    ),
}
NULLABLE: Final = frozenset({"send_at", "suppression_group_id", "custom_unsubscribe_url", "sender_id", "ip_pool"})
"""Null empties these; for the others it is as if nothing had been said."""
SEARCH: Final = (
    Field("name", read_searched, "title"),
    Field("status", read_statuses, "statuses"),
    Field("categories", read_searched_categories, "categories"),
)
TEST: Final = (
    Field("template_id", read_uuid, "template"),
    Field("version_id_override", read_nothing, "version"),
    Field("emails", fields.read_addresses, "addresses"),
    Field("sender_id", or_none(fields.read_id), "sender"),
    Field("from_address", or_none(fields.read_address), "from_address"),
    Field("suppression_group_id", or_none(fields.read_id), "suppression_group"),
    Field("custom_unsubscribe_url", or_none(fields.read_url, ""), "custom_unsubscribe_url"),
)


@dataclass(frozen=True, slots=True)
class TestRequest:
    """A test: of which Single Send, to whom, from which sender's number or address, and with which other changes."""

    template: UUID
    addresses: list[str]
    sender: int | None
    from_address: str | None
    changes: Mapping[str, Any]


def read_new_single_send(request: Request) -> Mapping[str, Any]:
    """The body of POST singlesends: what the new one is to hold."""
    return read_changes({"name": "", **said_in(read_object(request))}, is_new=True)


def read_single_send_change(request: Request) -> Mapping[str, Any]:
    """The body of PATCH singlesends: what is given changes, and what is blank stays. Source: SendGrid, "Update Single
    Send"."""
    given = without_blanks(read_object(request))
    inner = {name: without_blanks(given[name]) for name in WITHIN if isinstance(given.get(name), dict)}
    return read_changes(said_in(given | inner), is_new=False)


def without_blanks(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that are not texts of white space alone."""
    return {name: value for name, value in given.items() if not isinstance(value, str) or value.strip()}


def said_in(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None or name in NULLABLE}


def read_changes(given: Mapping[str, Any], *, is_new: bool) -> Mapping[str, Any]:
    changes, problems = read_fields(given, PLAIN)
    for name, inner_fields in WITHIN.items():
        inner = given.get(name, {})
        if not isinstance(inner, dict):
            problems.append(Problem(f"{name} must be an object", name))
            continue
        said, wrong = read_fields(said_in(inner), inner_fields, within=f"{name}.")
        changes |= said
        problems += wrong
    if problems:
        raise Refusal(400, *problems)
    changes.pop("design", None)
    return with_plain_content(changes, is_new=is_new)


def with_plain_content(changes: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """A plain text that is generated is none of the caller's, who would find it unchanged beside new HTML; and one of
    the caller's is not generated."""
    html, plain = (changes.get(name, "").strip() for name in ("html_content", "plain_content"))
    generates = changes.get("generates_plain", True if is_new and html else None)
    if generates and (html or not is_new):
        changes["plain_content"] = ""
    elif generates is None and plain:
        changes["generates_plain"] = False
    return changes


def read_public_id(text: str) -> UUID:
    """The Single Send a path names. Raises UnknownCampaign for what is no UUID."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownCampaign
    return uuid


def read_deleted_ids(request: Request) -> list[UUID]:
    """`?ids=a&ids=b` or `?ids=a,b`: what is to be deleted. Raises UnknownCampaign for what is no UUID."""
    return [read_public_id(each) for each in read_list(request, "ids", highest=MAX_IDS, lowest=1)]


def read_name_of_copy(request: Request) -> str | None:
    """The body of POST singlesends/{id}, which may be empty; None: the copy is named after its original."""
    if not keep_body(request._request):
        return None
    name = read_object(request).get("name")
    return None if name in (None, "") else one_field(fields.read_title, name, "name")


def read_schedule(request: Request) -> dt.datetime | None:
    """The body of PUT schedule: when it is to be sent; None: now."""
    given = read_object(request).get("send_at")
    if given == "now":
        return None
    moment = fields.find_time(given)
    if moment is None:
        raise Refusal(400, BAD_SEND_AT)
    return moment


def read_search(request: Request) -> Mapping[str, Any]:
    """The body of POST singlesends/search, which may be empty: the arguments of `list_campaigns`."""
    if not keep_body(request._request):
        return {}
    wanted, problems = read_fields(said_in(read_object(request)), SEARCH)
    if problems:
        raise Refusal(400, *problems)
    return dict(wanted)


def read_test(request: Request) -> TestRequest:
    """The body of POST test/send_email. There are no templates of marketing's own: a Single Send stands for one."""
    given = {"template_id": "", "emails": None, **read_object(request)}
    found, problems = read_fields(given, TEST)
    sender, from_address = found.get("sender"), found.get("from_address")
    if not problems and not sender and not from_address:
        problems.append(NO_SENDER)
    if problems:
        raise Refusal(400, *problems)
    changes = {name: value for name in ("suppression_group", "custom_unsubscribe_url") if (value := found.get(name))}
    # One of the two replaces what the Single Send has of the other.
    if changes:
        changes = {"suppression_group": None, "custom_unsubscribe_url": "", **changes}
    return TestRequest(found["template"], found["addresses"], sender, from_address, changes)
