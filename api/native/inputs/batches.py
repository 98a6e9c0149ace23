"""What is asked of batches: lists, stops and resumes, another time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import MomentField, MoveForm, PageForm, PublicIdField
from api.native.inputs.reading import check, check_query, read_object
from batches.states import BatchStatus
from batches.stop.exact import NO_TERMS, PauseTerms

STATUSES = {status.label: status for status in BatchStatus}
LONGEST_RETENTION_SECONDS = 30 * 24 * 3600
TERMS = frozenset({"until", "retention_seconds"})


@dataclass(frozen=True, slots=True)
class BatchesQuery:
    """Which batches; `after` is the public id of the last one seen."""

    status: BatchStatus | None
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """What a stop or a resume says besides what it is about. A pause that says something of its terms, be it null,
    `sets_terms`."""

    reason: str
    is_dry_run: bool
    terms: PauseTerms = NO_TERMS
    sets_terms: bool = False


@dataclass(frozen=True, slots=True)
class RescheduleRequest:
    """Another time for what waits."""

    send_at: dt.datetime
    reason: str
    is_dry_run: bool


class BatchesForm(PageForm):
    status = serializers.ChoiceField(list(STATUSES), default=None)
    after = PublicIdField()


class PauseForm(MoveForm):
    until = MomentField(required=False, allow_null=True)
    retention_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=LONGEST_RETENTION_SECONDS
    )


class RescheduleForm(MoveForm):
    send_at = MomentField()


def read_batches_query(request: Request) -> BatchesQuery:
    """The query of GET batches."""
    given = check(BatchesForm(data=request.query_params.dict()))
    return BatchesQuery(STATUSES.get(given["status"]), given["after"], given["limit"])


def read_move(request: Request) -> MoveRequest:
    """The body of cancel, resume, freeze, thaw and purge, which may be left out."""
    check_query(request)
    given = check(MoveForm(data=read_object(request)))
    return MoveRequest(given["reason"], given["dry_run"])


def read_pause(request: Request) -> MoveRequest:
    """The body of pause, which may be left out."""
    check_query(request)
    given = check(PauseForm(data=read_object(request)))
    seconds = given.get("retention_seconds")
    terms = PauseTerms(given.get("until"), None if seconds is None else dt.timedelta(seconds=seconds))
    return MoveRequest(given["reason"], given["dry_run"], terms, not TERMS.isdisjoint(given))


def read_reschedule(request: Request) -> RescheduleRequest:
    """The body of a batch's reschedule."""
    check_query(request)
    given: Any = check(RescheduleForm(data=read_object(request)))
    return RescheduleRequest(given["send_at"], given["reason"], given["dry_run"])
