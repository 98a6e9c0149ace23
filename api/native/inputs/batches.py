"""Requests become values. What a request says and nobody knows is refused: a misspelt `dry_run` would stop a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from api.http import NotJson, parse_json, read_body
from api.native.errors import invalid, plain_refusal
from batches.counts import Counts
from batches.states import BatchStatus

DEFAULT_LIMIT, HIGHEST_LIMIT = 100, 500
REASON_LENGTH = 500
HIGHEST_MESSAGE_ID = 2**63 - 1
STATUSES = {status.label: status for status in BatchStatus}
STATES = [field.name for field in fields(Counts) if field.name != "accepted"]
UNKNOWN_FIELD = ["This field is not known here."]
UNKNOWN_FIELDS_NAMED, NAME_SHOWN = 20, 100


@dataclass(frozen=True, slots=True)
class BatchesQuery:
    """Which batches; `after` is the public id of the last one seen."""

    status: BatchStatus | None
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class MessagesQuery:
    """Which messages; `after` is an id."""

    state: str | None
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class ReceiptsQuery:
    """Which receipts; `after` is the public id of the last one seen."""

    batch_id: str | None
    after: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class MoveRequest:
    """What a stop or a resume says besides its batch."""

    reason: str
    is_dry_run: bool


class PublicIdField(serializers.RegexField):
    """An id as we make them; whatever else it is, it never reaches a query."""

    def __init__(self) -> None:
        super().__init__(r"^[A-Za-z0-9_-]{1,64}\Z", required=False, default=None)


class PageForm(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=HIGHEST_LIMIT, default=DEFAULT_LIMIT)


class BatchesForm(PageForm):
    status = serializers.ChoiceField(list(STATUSES), default=None)
    after = PublicIdField()


class MessagesForm(PageForm):
    state = serializers.ChoiceField(STATES, default=None)
    after = serializers.IntegerField(min_value=0, max_value=HIGHEST_MESSAGE_ID, default=0)


class ReceiptsForm(PageForm):
    batch_id = PublicIdField()
    after = PublicIdField()


class NothingForm(serializers.Serializer[Any]):
    pass


class ReasonForm(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=REASON_LENGTH, allow_blank=True, default="", trim_whitespace=False)


class MoveForm(ReasonForm):
    dry_run = serializers.BooleanField(default=False)


def read_nothing(request: Request) -> None:
    """A request that has nothing to say."""
    check_query(request)
    check(NothingForm(data=read_object(request)))


def read_batches_query(request: Request) -> BatchesQuery:
    """The query of GET batches."""
    given = check(BatchesForm(data=request.query_params.dict()))
    return BatchesQuery(STATUSES.get(given["status"]), given["after"], given["limit"])


def read_messages_query(request: Request) -> MessagesQuery:
    """The query of GET batches/{id}/messages."""
    given = check(MessagesForm(data=request.query_params.dict()))
    return MessagesQuery(given["state"], given["after"], given["limit"])


def read_receipts_query(request: Request) -> ReceiptsQuery:
    """The query of GET receipts."""
    given = check(ReceiptsForm(data=request.query_params.dict()))
    return ReceiptsQuery(given["batch_id"], given["after"], given["limit"])


def read_move(request: Request) -> MoveRequest:
    """The body of pause, cancel and resume, which may be left out."""
    check_query(request)
    given = check(MoveForm(data=read_object(request)))
    return MoveRequest(given["reason"], given["dry_run"])


def read_reason(request: Request) -> str:
    """The body of freeze and thaw, which may be left out."""
    check_query(request)
    return str(check(ReasonForm(data=read_object(request)))["reason"])


def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object a request carries, empty when it has no body. Raises BadBody and Refusal."""
    body = read_body(request._request)
    if not body:
        return {}
    if request._request.content_type != "application/json":
        raise plain_refusal(415)
    value = parse_json(body)
    if not isinstance(value, dict):
        raise NotJson
    return value


def check_query(request: Request) -> None:
    """What changes something says everything in its body: a dry run in the query must not be overlooked."""
    check(NothingForm(data=request.query_params.dict()))


def check(form: serializers.Serializer[Any]) -> Mapping[str, Any]:
    """The form's values. Raises the Refusal that names every field that is wrong or not known."""
    unknown = dict.fromkeys(short(form.initial_data, known=form.fields), UNKNOWN_FIELD)
    if not form.is_valid() or unknown:
        raise invalid({**form.errors, **unknown})
    values: Mapping[str, Any] = form.validated_data
    return values


def short(given: Iterable[str], *, known: Mapping[str, Any]) -> list[str]:
    """The names that are not known: some of them, and not all of a long one."""
    return [name[:NAME_SHOWN] for name in islice((name for name in given if name not in known), UNKNOWN_FIELDS_NAMED)]
