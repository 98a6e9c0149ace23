"""The requests of campaigns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rest_framework.request import Request

from api.easymail import proposed
from api.easymail.errors import invalid
from api.easymail.inputs import rules
from api.easymail.inputs.rules import REQUIRED, Field, find_problems, read_fields, read_object
from campaigns.editing import EditingRules

LINE_LENGTH: Final = 255
CONTENT_LENGTH: Final = 65_000
CAMPAIGN: Final = (
    Field("name", rules.line(LINE_LENGTH), REQUIRED),
    *(Field(name, rules.line(LINE_LENGTH), "") for name in ("subject", "preheader", "from_name")),
    Field("reply_to", rules.read_email, ""),
    *(Field(name, rules.read_uuid) for name in ("from_identity", "list_uuid", "segment_uuid")),
    Field("content", rules.text(CONTENT_LENGTH), "", keeps_spaces=True),
    Field("overwrite", rules.read_flag, False),
)
CORE_NAMES: Final = {"name": "title", "from_identity": "sender", "content": "markdown"}
TEST: Final = (Field("email", rules.read_email, REQUIRED), Field("language", rules.read_language))
SCHEDULE: Final = (Field("scheduled_at", rules.read_moment, REQUIRED),)


class CampaignChange(NamedTuple):
    """What a campaign is to hold, as the core takes it, and under which rules."""

    changes: Mapping[str, Any]
    rules: EditingRules


def read_new_campaign(request: Request) -> CampaignChange:
    return _read(request, is_new=True)


def read_campaign_change(request: Request) -> CampaignChange:
    return _read(request, is_new=False)


def _read(request: Request, *, is_new: bool) -> CampaignChange:
    said, problems = find_problems(read_object(request), CAMPAIGN, is_new=is_new)
    if said.get("list_uuid") and said.get("segment_uuid"):
        problems["segment_uuid"] = [proposed.ONE_AUDIENCE_TEXT]
    if problems:
        raise invalid(problems)
    editing = EditingRules(needs=frozenset(), overwrites=said.pop("overwrite", False))
    audience = _read_audience(said.pop("list_uuid", _UNSAID), said.pop("segment_uuid", _UNSAID))
    return CampaignChange({CORE_NAMES.get(name, name): value for name, value in said.items()} | audience, editing)


_UNSAID: Final = object()


def _read_audience(list_uuid: Any, segment_uuid: Any) -> dict[str, Any]:
    """One list or one segment: to name one takes the other away."""
    changes: dict[str, Any] = {}
    if list_uuid is not _UNSAID:
        changes["lists"] = [list_uuid] if list_uuid else []
    if segment_uuid is not _UNSAID:
        changes["segments"] = [segment_uuid] if segment_uuid else []
    if changes.get("lists"):
        changes["segments"] = []
    if changes.get("segments"):
        changes["lists"] = []
    if changes.get("lists") or changes.get("segments"):
        changes["is_to_all"] = False
    return changes


def read_schedule(request: Request) -> dt.datetime:
    """When a campaign is to be sent. Whether that lies ahead is for the clock that decides."""
    moment: dt.datetime = read_fields(read_object(request), SCHEDULE)["scheduled_at"]
    return moment


def read_test_address(request: Request) -> str:
    """To whom a test goes. There is one language of a campaign, so that another one changes nothing."""
    address: str = read_fields(read_object(request), TEST)["email"]
    return address
