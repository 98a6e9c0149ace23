"""Read the requests of Single Sends, and of test mail. An answer names every field that is wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BeforeValidator, Field
from rest_framework.request import Request

from accounts.models import Account
from api.bodies import ANY, Body, Moment, Uuid, as_one, condition, find_uuid, null_as
from api.campaign_words import Dialect, statuses_called
from api.sendgrid.campaigns.errors import MISSING_FOR_TEST
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.plain_content import with_plain_content
from api.sendgrid.reading import has_body, read_fields, read_list, read_object, without_nulls
from api.sendgrid.values import (
    MAX_LINE_LENGTH,
    MAX_LISTS,
    MAX_SEGMENTS,
    NO_TEST_ADDRESS,
    NULL_IF_EMPTY,
    Address,
    Categories,
    Content,
    Editor,
    Id,
    Line,
    Pool,
    TestAddresses,
    Texts,
    Title,
    Url,
    Uuids,
    is_short,
)
from campaigns.editing import EditingRules
from campaigns.errors import Need, TwoUnsubscribeLinks, UnknownCampaign
from content.designs import prepare_content
from content.templates import DYNAMIC_ID

RULES: Final = EditingRules(needs_verified_sender=True)
STATUSES: Final = ("draft", "scheduled", "triggered")
MAX_IDS: Final = 50
MAX_SEARCHED: Final = 100
FROM_DESIGN: Final = ("subject", "html_content", "plain_content")
"""The fields that a Single Send with a design has from it."""
LONG_SUBJECT: Final = f"the subject of the design is too long (maximum is {MAX_LINE_LENGTH} characters)"
ONE_VERSION: Final = Problem("a Single Send has one version, without an id", "version_id_override")
NO_SENDER: Final = Problem(MISSING_FOR_TEST[Need.SENDER][1], "sender_id")
NULLABLE: Final = frozenset(
    {"send_at", "suppression_group_id", "custom_unsubscribe_url", "sender_id", "ip_pool", "design_id"}
)
"""Null empties these fields; any other field that is null is left unchanged."""


class SendTo(Body):
    """The recipients of a Single Send."""

    lists: Annotated[list[Uuid], Uuids(MAX_LISTS)] = Field([], alias="list_ids")
    segments: Annotated[list[Uuid], Uuids(MAX_SEGMENTS)] = Field([], alias="segment_ids")
    is_to_all: bool = Field(False, alias="all")


class EmailConfig(Body):
    """The content of a Single Send, and its sender."""

    subject: Line = ""
    html_content: Content = ""
    plain_content: Content = ""
    generates_plain: bool = Field(False, alias="generate_plain_content")
    design: Annotated[Uuid | None, NULL_IF_EMPTY] = Field(None, alias="design_id")
    editor: Editor = "code"
    suppression_group: Id | None = Field(None, alias="suppression_group_id")
    custom_unsubscribe_url: Annotated[Url, null_as(str)] = ""
    sender: Id | None = Field(None, alias="sender_id")
    ip_pool: Annotated[Pool, null_as(str)] = ""


class SingleSendChange(Body):
    """A change of a Single Send."""

    title: Title = Field("", alias="name")
    categories: Categories = []
    send_at: Annotated[Moment, as_one("time")] | None = None
    send_to: SendTo = SendTo()
    email_config: EmailConfig = EmailConfig()

    def changes(self) -> dict[str, Any]:
        """Return the values of all fields that the request holds, by their names in the core."""
        plain = {name: value for name, value in self.sent_fields().items() if not isinstance(value, Body)}
        return plain | self.send_to.sent_fields() | self.email_config.sent_fields()


class Copy(Body):
    """The name of a copy."""

    name: Title


class Search(Body):
    """A search for Single Sends."""

    title: Annotated[str, is_short(MAX_SEARCHED)] = Field("", alias="name")
    statuses: Annotated[
        list[str],
        condition("statuses", lambda words: all(word in STATUSES for word in words)),
        as_one("statuses"),
    ] = Field([], alias="status")
    categories: Annotated[
        list[str], condition("searched", lambda words: len(words) <= MAX_SEARCHED), as_one("searched")
    ] = []


def find_template_id(value: Any) -> UUID | str | None:
    """Return the UUID of a Single Send or the id of a dynamic template; None for any other value."""
    if not isinstance(value, str):
        return None
    return value.lower() if DYNAMIC_ID.fullmatch(value.lower()) else find_uuid(value)


class Test(Body):
    """A test of a Single Send or of a dynamic template: its recipients, and the sender by its number or address."""

    template: Annotated[UUID | str, BeforeValidator(find_template_id), as_one("template_id")] = Field(
        alias="template_id"
    )
    version: Annotated[Uuid | None, NULL_IF_EMPTY] = Field(None, alias="version_id_override")
    addresses: TestAddresses = Field(alias="emails")
    sender: Id | None = Field(None, alias="sender_id")
    from_address: Address | None = None
    suppression_group: Id | None = Field(None, alias="suppression_group_id")
    custom_unsubscribe_url: Annotated[Url, null_as(str)] = ""

    def changes(self) -> dict[str, Any]:
        """Return the changes that the test makes to the Single Send: one way to unsubscribe replaces the other."""
        if not self.suppression_group and not self.custom_unsubscribe_url:
            return {}
        return {
            "suppression_group": self.suppression_group,
            "custom_unsubscribe_url": self.custom_unsubscribe_url,
        }


class Schedule(Body):
    """The time at which a Single Send is to be sent."""

    send_at: Moment


TEXTS: Final[Texts] = {
    ("status", ANY): f"{{name}} must be an array of {', '.join(STATUSES)}",
    ("categories", "searched"): f"{{name}} must be an array of at most {MAX_SEARCHED} strings",
    ("template_id", ANY): "{name} must be the id of a Single Send or of a dynamic template",
    ("emails", "missing"): NO_TEST_ADDRESS,
}
SEND_AT_TEXTS: Final[Texts] = {("send_at", ANY): "{name} must be a time like 2030-01-31T08:30:00Z, or now"}


def read_new_single_send(request: Request, account: Account) -> Mapping[str, Any]:
    """Return the values of a new Single Send, from the body of POST singlesends. Raises UnknownDesign."""
    fields = {"name": "", **without_nulls(read_object(request), NULLABLE)}
    return with_design(account, read_changes(fields, is_new=True))


def read_single_send_change(request: Request, account: Account) -> Mapping[str, Any]:
    """Return the values that change, from the body of PATCH singlesends. Blank texts change nothing.

    Source: SendGrid, "Update Single Send". Raises UnknownDesign.
    """
    fields = without_blanks(read_object(request))
    inner = {name: without_blanks(value) for name, value in fields.items() if isinstance(value, dict)}
    return with_design(account, read_changes(without_nulls(fields | inner, NULLABLE), is_new=False))


def with_design(account: Account, changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the changes with the content of the design that they name, if they name one.

    Raises Refusal if they have a content, too, UnknownDesign, and InvalidTemplate for CSS that cannot be inlined.
    """
    if changes.get("design") is None:
        return changes
    if text_names := [name for name in FROM_DESIGN if changes.get(name, "").strip()]:
        raise Refusal(
            400, *(Problem(f"{name} can't be given with design_id", f"email_config.{name}") for name in text_names)
        )
    design = prepare_content(account, changes["design"])
    if len(design.subject) > MAX_LINE_LENGTH:
        raise Refusal(400, Problem(LONG_SUBJECT, "email_config.design_id"))
    editing = {"editor": design.editor, "generates_plain": design.generates_plain, **changes}
    plain = "" if editing["generates_plain"] else design.plain
    return {**editing, "subject": design.subject, "html_content": design.html, "plain_content": plain}


def without_blanks(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that are not texts of white space alone."""
    return {name: value for name, value in fields.items() if not isinstance(value, str) or value.strip()}


def read_changes(fields: Mapping[str, Any], *, is_new: bool) -> Mapping[str, Any]:
    """Return the values that a Single Send gets. Raises Refusal."""
    inner = {name: without_nulls(value, NULLABLE) for name, value in fields.items() if isinstance(value, dict)}
    return with_plain_content(read_fields(SingleSendChange, {**fields, **inner}).changes(), is_new=is_new)


def read_public_id(text: str) -> UUID:
    """Return the id of the Single Send that a path names. Raises UnknownCampaign."""
    uuid = find_uuid(text)
    if uuid is None:
        raise UnknownCampaign
    return uuid


def read_deleted_ids(request: Request) -> list[UUID]:
    """Return the ids of `?ids=a&ids=b` or `?ids=a,b`. Raises UnknownCampaign for a text that is not a UUID."""
    return [read_public_id(text) for text in read_list(request, "ids", highest=MAX_IDS, lowest=1)]


def read_name_of_copy(request: Request) -> str | None:
    """Return the name in the body of POST singlesends/{id}, or None: the copy is named after its original."""
    name = read_object(request).get("name") if has_body(request) else None
    return None if name in (None, "") else read_fields(Copy, {"name": name}).name


def read_schedule(request: Request) -> dt.datetime | None:
    """Return the time in the body of PUT schedule, or None for now."""
    send_at = read_object(request).get("send_at")
    if send_at == "now":
        return None
    return read_fields(Schedule, {"send_at": send_at}, SEND_AT_TEXTS).send_at


def read_search(request: Request) -> Mapping[str, Any]:
    """Return the arguments of `list_campaigns`, from the body of POST singlesends/search, which may be empty."""
    if not has_body(request):
        return {}
    search = read_fields(Search, without_nulls(read_object(request)), TEXTS).sent_fields()
    if "statuses" in search:
        search["statuses"] = frozenset(
            status for word in search["statuses"] for status in statuses_called(word, Dialect.SINGLE_SENDS)
        )
    return search


def read_test(request: Request) -> Test:
    """Return the test that the body of POST test/send_email asks for. A Single Send may stand for the template."""
    test = read_fields(Test, read_object(request), TEXTS)
    if not test.sender and not test.from_address:
        raise Refusal(400, NO_SENDER)
    if test.suppression_group and test.custom_unsubscribe_url:
        raise TwoUnsubscribeLinks(field="custom_unsubscribe_url")
    if isinstance(test.template, UUID) and test.version:
        raise Refusal(400, ONE_VERSION)
    return test
