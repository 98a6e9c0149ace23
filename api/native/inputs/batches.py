"""Read the requests of batches: lists, stops, resumes and reschedules."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.native.inputs.fields import MomentField, MoveForm, PageForm, PublicIdField
from api.native.inputs.reading import read_body_as, read_query_as
from batches.models import LABEL_LENGTH
from batches.states import BatchStatus
from batches.stop.exact import NO_TERMS, PauseTerms

STATUSES = {status.label: status for status in BatchStatus}
LONGEST_RETENTION_SECONDS = 30 * 24 * 3600
TERMS = frozenset({"until", "retention_seconds"})


@dataclass(frozen=True, slots=True)
class BatchesQuery:
    """The query of a list of batches. `after` is the public id of the last batch of the page before."""

    search: str
    status: BatchStatus | None
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """The content of a stop or a resume. `sets_terms` is true if a pause names its terms, even as null."""

    reason: str
    is_dry_run: bool
    terms: PauseTerms = NO_TERMS
    sets_terms: bool = False


@dataclass(frozen=True, slots=True)
class RescheduleRequest:
    """The content of a reschedule of a batch."""

    send_at: dt.datetime
    reason: str
    is_dry_run: bool


class BatchesForm(PageForm):
    """The fields of GET batches."""

    search = serializers.CharField(max_length=LABEL_LENGTH, default="", allow_blank=True)
    status = serializers.ChoiceField(list(STATUSES), default=None)
    after = PublicIdField()


class PauseForm(MoveForm):
    """The fields of a pause."""

    until = MomentField(required=False, allow_null=True)
    retention_seconds = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, max_value=LONGEST_RETENTION_SECONDS
    )


class RescheduleForm(MoveForm):
    """The fields of a reschedule of a batch."""

    send_at = MomentField()


def read_batches_query(request: Request) -> BatchesQuery:
    """Return the query of GET batches."""
    fields = read_query_as(BatchesForm, request)
    return BatchesQuery(fields["search"], STATUSES.get(fields["status"]), fields["after"], fields["limit"])


def read_move(request: Request) -> MoveRequest:
    """Return the body of cancel, resume, freeze, thaw or purge, which may be left out."""
    fields = read_body_as(MoveForm, request)
    return MoveRequest(fields["reason"], fields["dry_run"])


def read_pause(request: Request) -> MoveRequest:
    """Return the body of pause, which may be left out."""
    fields = read_body_as(PauseForm, request)
    seconds = fields.get("retention_seconds")
    terms = PauseTerms(fields.get("until"), None if seconds is None else dt.timedelta(seconds=seconds))
    return MoveRequest(fields["reason"], fields["dry_run"], terms, not TERMS.isdisjoint(fields))


def read_reschedule(request: Request) -> RescheduleRequest:
    """Return the body of a batch's reschedule."""
    fields: Any = read_body_as(RescheduleForm, request)
    return RescheduleRequest(fields["send_at"], fields["reason"], fields["dry_run"])
