"""What is asked of messages: those of a batch, one of them, those in a person's hands."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import MessageIdsField, MomentField, PageForm, PublicIdField, ReasonForm
from api.native.inputs.reading import check, check_query, read_object
from batches.counts import Counts
from mailer.in_hand import Place, Selection, Why

HIGHEST_MESSAGE_ID = 2**63 - 1
STATES = [field.name for field in fields(Counts) if field.name != "accepted"]
IN_HAND = [why.value for why in Why]
ASK_PER_BATCH = "Must be held or in_doubt. Messages in other states are listed by batch: batches/…/messages?state=…"
PLACE = re.compile(r"([0-9]{1,18})\.([0-9]{1,3})")
SELECTORS = ("batch_id", "message_ids", "all")
ONE_SELECTOR = ["Say exactly one of batch_id, message_ids and all: true."]


@dataclass(frozen=True, slots=True)
class MessagesQuery:
    """Which messages of a batch; `after` is an id."""

    state: str | None
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class InHandQuery:
    """Which messages in a person's hands."""

    why: Why
    batch_id: str | None
    after: Place
    limit: int


@dataclass(frozen=True, slots=True)
class OneReschedule:
    """Another time for one message."""

    send_at: dt.datetime
    reason: str


@dataclass(frozen=True, slots=True)
class InHandRequest:
    """What is replayed or dropped, and why."""

    selection: Selection
    reason: str


class MessagesForm(PageForm):
    state = serializers.ChoiceField(STATES, default=None)
    after = serializers.IntegerField(min_value=0, max_value=HIGHEST_MESSAGE_ID, default=0)


class InHandForm(PageForm):
    state = serializers.ChoiceField(
        IN_HAND, error_messages={"required": ASK_PER_BATCH, "null": ASK_PER_BATCH, "invalid_choice": ASK_PER_BATCH}
    )
    batch_id = PublicIdField()
    after = serializers.RegexField(rf"^{PLACE.pattern}\Z", default=None)


class OneRescheduleForm(ReasonForm):
    send_at = MomentField()


class SelectionForm(ReasonForm):
    state = serializers.ChoiceField(IN_HAND)
    batch_id = PublicIdField()
    message_ids = MessageIdsField(required=False, default=None)
    all = serializers.BooleanField(default=False)

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        # `all: false` selects nothing, and no list of ids is empty.
        said = [name for name in SELECTORS if attrs[name]]
        if len(said) != 1:
            raise serializers.ValidationError(dict.fromkeys(said or SELECTORS, ONE_SELECTOR))
        return attrs


def read_messages_query(request: Request) -> MessagesQuery:
    """The query of GET batches/{id}/messages."""
    given = check(MessagesForm(data=request.query_params.dict()))
    return MessagesQuery(given["state"], given["after"], given["limit"])


def read_in_hand_query(request: Request) -> InHandQuery:
    """The query of GET messages."""
    given = check(InHandForm(data=request.query_params.dict()))
    place = PLACE.fullmatch(given["after"] or "")
    after = (int(place[1]), int(place[2])) if place else (0, -1)
    return InHandQuery(Why(given["state"]), given["batch_id"], after, given["limit"])


def read_reason(request: Request) -> str:
    """The body of a message's cancel, which may be left out."""
    check_query(request)
    return str(check(ReasonForm(data=read_object(request)))["reason"])


def read_one_reschedule(request: Request) -> OneReschedule:
    """The body of a message's reschedule."""
    check_query(request)
    given: Any = check(OneRescheduleForm(data=read_object(request)))
    return OneReschedule(given["send_at"], given["reason"])


def read_selection(request: Request) -> InHandRequest:
    """The body of replay and drop."""
    check_query(request)
    given = check(SelectionForm(data=read_object(request)))
    selection = Selection(Why(given["state"]), given["batch_id"], given["message_ids"])
    return InHandRequest(selection, given["reason"])
