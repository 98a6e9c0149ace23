"""Read the requests of campaigns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from pydantic import Field, ValidationInfo, field_validator
from rest_framework.request import Request

from api.bodies import Body
from api.easymail.inputs.fields import (
    LINE,
    Email,
    Flag,
    Language,
    Moment,
    Uuid,
    empty_as,
    read_body_as,
    required,
    text,
    wrong,
)
from campaigns.editing import EditingRules

LINE_LENGTH: Final = 255
CONTENT_LENGTH: Final = 65_000
PARTS: Final = ("list_uuid", "segment_uuid")

Name = Annotated[str, text(LINE_LENGTH), LINE, required()]
Line = Annotated[str, text(LINE_LENGTH), LINE, empty_as("")]
PartUuid = Annotated[Uuid | None, empty_as(None)]


class CampaignFields(Body):
    """The fields of a campaign. Absent fields are left unchanged."""

    title: Name = Field("", alias="name")
    subject: Line = ""
    preheader: Line = ""
    from_name: Line = ""
    reply_to: Annotated[Email, empty_as("")] = ""
    sender: PartUuid = Field(None, alias="from_identity")
    list_uuid: PartUuid = None
    segment_uuid: PartUuid = None
    markdown: Annotated[str, text(CONTENT_LENGTH), empty_as("", keeps_spaces=True)] = Field("", alias="content")
    overwrite: Annotated[Flag, empty_as(False)] = False

    @field_validator("segment_uuid")
    @classmethod
    def check_audience(cls, segment: UUID | None, info: ValidationInfo) -> UUID | None:
        """Refuse a segment beside a list."""
        if segment and info.data.get("list_uuid"):
            raise wrong("two_audiences")
        return segment


class NewCampaign(CampaignFields):
    """The fields of a new campaign, which has to have a name."""

    title: Name = Field(alias="name")


class TestMail(Body):
    """The address of a test. A campaign has one language, so the field for another language has no effect."""

    email: Annotated[Email, required()]
    language: Annotated[Language | None, empty_as(None)] = None


class Schedule(Body):
    """The time of a campaign."""

    scheduled_at: Annotated[Moment, required()]


class CampaignChange(NamedTuple):
    """The changes of a campaign, as the core takes them, and the rules for them."""

    changes: Mapping[str, Any]
    rules: EditingRules


def read_new_campaign(request: Request) -> CampaignChange:
    """Return the content of a new campaign."""
    return _change_of(read_body_as(NewCampaign, request))


def read_campaign_change(request: Request) -> CampaignChange:
    """Return the change of a campaign."""
    return _change_of(read_body_as(CampaignFields, request))


def _change_of(body: CampaignFields) -> CampaignChange:
    fields = body.sent_fields()
    rules = EditingRules(needs=frozenset(), overwrites=fields.pop("overwrite", False))
    parts: dict[str, UUID | None] = {name: fields.pop(name) for name in PARTS if name in fields}
    return CampaignChange(fields | _audience_of(parts), rules)


def _audience_of(parts: Mapping[str, UUID | None]) -> dict[str, Any]:
    """Return the changes of an audience, which is one list or one segment: naming one removes the other."""
    changes: dict[str, Any] = {}
    if "list_uuid" in parts:
        changes["lists"] = [parts["list_uuid"]] if parts["list_uuid"] else []
    if "segment_uuid" in parts:
        changes["segments"] = [parts["segment_uuid"]] if parts["segment_uuid"] else []
    if changes.get("lists"):
        changes["segments"] = []
    if changes.get("segments"):
        changes["lists"] = []
    if changes.get("lists") or changes.get("segments"):
        changes["is_to_all"] = False
    return changes


def read_schedule(request: Request) -> dt.datetime:
    """Return the time of a campaign. Whether it has passed is decided by the database's clock."""
    return read_body_as(Schedule, request).scheduled_at


def read_test_address(request: Request) -> str:
    """Return the address of a test."""
    return read_body_as(TestMail, request).email
