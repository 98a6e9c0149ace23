"""Read the requests of messages: those of a batch, single messages, and messages in hand."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import MessageIdsField, MomentField, PageForm, PublicIdField, ReasonForm
from api.native.inputs.reading import read_body_as, read_query_as
from batches.counts import Counts
from mailer.in_hand import Place, Selection, Why

HIGHEST_MESSAGE_ID = 2**63 - 1
STATES = [field.name for field in fields(Counts) if field.name != "accepted"]
IN_HAND = [why.value for why in Why]
ASK_PER_BATCH = "Must be held or in_doubt. Messages in other states are listed by batch: batches/…/messages?state=…"
PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,3})")
SELECTORS = ("batch_id", "message_ids", "all")
ONE_SELECTOR = ["Give exactly one of batch_id, message_ids and all: true."]


@dataclass(frozen=True, slots=True)
class MessagesQuery:
    """The query of a batch's messages. `after` is the id of the last message of the page before."""

    state: str | None
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class InHandQuery:
    """The query of the messages in hand."""

    why: Why
    batch_id: str | None
    after: Place
    limit: int


@dataclass(frozen=True, slots=True)
class OneReschedule:
    """The content of a reschedule of one message."""

    send_at: dt.datetime
    reason: str


@dataclass(frozen=True, slots=True)
class InHandRequest:
    """The content of a replay or a drop."""

    selection: Selection
    reason: str


class MessagesForm(PageForm):
    """The fields of GET batches/{id}/messages."""

    state = serializers.ChoiceField(STATES, default=None)
    after = serializers.IntegerField(min_value=0, max_value=HIGHEST_MESSAGE_ID, default=0)


class InHandForm(PageForm):
    """The fields of GET messages."""

    state = serializers.ChoiceField(
        IN_HAND, error_messages={"required": ASK_PER_BATCH, "null": ASK_PER_BATCH, "invalid_choice": ASK_PER_BATCH}
    )
    batch_id = PublicIdField()
    after = serializers.RegexField(rf"^{PLACE.pattern}\Z", default=None)


class OneRescheduleForm(ReasonForm):
    """The fields of a reschedule of one message."""

    send_at = MomentField()


class SelectionForm(ReasonForm):
    """The fields of a replay or a drop."""

    state = serializers.ChoiceField(IN_HAND)
    batch_id = PublicIdField()
    message_ids = MessageIdsField(required=False, default=None)
    all = serializers.BooleanField(default=False)

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Refuse a selection that does not use exactly one selector."""
        # `all: false` selects nothing, and no list of ids is empty.
        selectors = [name for name in SELECTORS if attrs[name]]
        if len(selectors) != 1:
            raise serializers.ValidationError(dict.fromkeys(selectors or SELECTORS, ONE_SELECTOR))
        return attrs


def read_messages_query(request: Request) -> MessagesQuery:
    """Return the query of GET batches/{id}/messages."""
    values = read_query_as(MessagesForm, request)
    return MessagesQuery(values["state"], values["after"], values["limit"])


def read_in_hand_query(request: Request) -> InHandQuery:
    """Return the query of GET messages."""
    values = read_query_as(InHandForm, request)
    place = PLACE.fullmatch(values["after"] or "")
    after = (int(place[1]), int(place[2])) if place else (0, -1)
    return InHandQuery(Why(values["state"]), values["batch_id"], after, values["limit"])


def read_reason(request: Request) -> str:
    """Return the reason in the body of a message's cancel, which may be left out."""
    return str(read_body_as(ReasonForm, request)["reason"])


def read_one_reschedule(request: Request) -> OneReschedule:
    """Return the body of a message's reschedule."""
    values: Any = read_body_as(OneRescheduleForm, request)
    return OneReschedule(values["send_at"], values["reason"])


def read_selection(request: Request) -> InHandRequest:
    """Return the body of replay or drop."""
    values = read_body_as(SelectionForm, request)
    selection = Selection(Why(values["state"]), values["batch_id"], values["message_ids"])
    return InHandRequest(selection, values["reason"])
