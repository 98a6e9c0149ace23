"""What can be wrong, in Easymail's words: status, code and message for every error of the core and of HTTP.

`answer_for` turns an exception into a `Refusal`; `outputs` writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import InterfaceError, OperationalError
from rest_framework import exceptions as drf

from api.caller import CallerRefused
from api.easymail import proposed
from api.http import MAX_DEPTH, BadBody, BodyTooLarge, NotJson, NotUtf8, TooDeep, UnknownEncoding
from campaigns.errors import Lack, NotReady, UnknownPart
from foundation.errors import SluiceError

ANY_CALL: Final = "any call"
ITS_OWN: Final = "the error's own"
"""As the field of an answer: that which the error names."""
VALIDATION: Final = "VALIDATION_ERROR"
NOT_FOUND: Final = "RESOURCE_NOT_FOUND"
IN_PROGRESS: Final = "CAMPAIGN_TRANSITION_IN_PROGRESS"

Details = Mapping[str, Sequence[str]]
"""What is wrong with each field; or, under `missing`, what a campaign lacks."""


class Refusal(Exception):
    """The answer to a request that is not done. `details` only where there is something to say."""

    def __init__(self, status: int, code: str, message: str, *, details: Details | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of the tables below. `{said}` is what the core said, `{campaign_id}` and the like the path's ids; with
    `field` the message is its detail."""

    status: int
    code: str
    message: str
    field: str | None = None


NOT_SENDABLE = Answer(409, "CAMPAIGN_NOT_SENDABLE", proposed.NOT_SENDABLE_TEXT)

CORE_ANSWERS: dict[tuple[str, str], Answer] = {
    ("unknown_campaign", ANY_CALL): Answer(404, NOT_FOUND, "Campaign with UUID '{campaign_id}' not found"),
    ("campaign_conflict", ANY_CALL): Answer(409, "CAMPAIGN_NOT_EDITABLE", proposed.NOT_EDITABLE_TEXT),
    ("campaign_conflict", "DELETE campaign"): Answer(
        409, "CAMPAIGN_NOT_DELETABLE", "Campaign cannot be deleted because of its current status"
    ),
    ("campaign_conflict", "POST send"): NOT_SENDABLE,
    ("campaign_conflict", "POST schedule"): NOT_SENDABLE,
    ("campaign_conflict", "POST unschedule"): Answer(
        409, "CAMPAIGN_NOT_UNSCHEDULABLE", proposed.NOT_UNSCHEDULABLE_TEXT
    ),
    ("campaign_conflict", "POST cancel"): Answer(
        409, "CAMPAIGN_NOT_CANCELABLE", "Campaign cannot be canceled because it is not queued or sending"
    ),
    ("transition_in_progress", ANY_CALL): Answer(
        409, IN_PROGRESS, "Another transition is already in progress for this campaign"
    ),
    ("not_ready", ANY_CALL): Answer(422, "CAMPAIGN_NOT_READY", proposed.NOT_READY_TEXT),
    ("not_ready", "POST test"): Answer(422, "CAMPAIGN_NOT_TESTABLE", proposed.NOT_TESTABLE_TEXT),
    ("test_failed", ANY_CALL): Answer(409, "TEST_SEND_FAILED", proposed.TEST_FAILED_TEXT),
    ("foreign_content", ANY_CALL): Answer(409, proposed.OVERWRITE_REQUIRED, proposed.OVERWRITE_TEXT),
    ("time_is_past", ANY_CALL): Answer(
        422, VALIDATION, "The scheduled at field must be a date after now.", "scheduled_at"
    ),
    ("unknown_part", ANY_CALL): Answer(422, VALIDATION, "The campaign names what does not exist.", ITS_OWN),
    ("campaign_limit_reached", ANY_CALL): Answer(409, proposed.LIMIT_REACHED, "The account has too many campaigns"),
    ("unknown_contact", ANY_CALL): Answer(404, NOT_FOUND, "Contact with UUID '{contact_id}' not found"),
    ("unknown_contact", "POST item"): Answer(404, NOT_FOUND, "Contact not found"),
    ("unknown_contact", "DELETE item"): Answer(404, NOT_FOUND, "Contact not found"),
    ("contact_taken", "POST contacts"): Answer(409, "DUPLICATE_RESOURCE", "A contact with this {field} already exists"),
    ("contact_taken", ANY_CALL): Answer(422, VALIDATION, "The {field} has already been taken.", ITS_OWN),
    ("invalid_contact", ANY_CALL): Answer(422, VALIDATION, "{said}", ITS_OWN),
    ("unknown_list", ANY_CALL): Answer(404, NOT_FOUND, "List with uuid '{list_id}' not found"),
    ("unknown_segment", ANY_CALL): Answer(404, NOT_FOUND, "Segment with uuid '{segment_id}' not found"),
    ("name_taken", "POST custom fields"): Answer(422, VALIDATION, "The field key has already been taken.", "field_key"),
    ("name_taken", ANY_CALL): Answer(422, VALIDATION, "The name has already been taken.", "name"),
    ("invalid_name", ANY_CALL): Answer(422, VALIDATION, "The name field format is invalid.", "name"),
    ("unknown_field", ANY_CALL): Answer(404, NOT_FOUND, "Custom field not found"),
    ("field_limit_reached", ANY_CALL): Answer(409, proposed.LIMIT_REACHED, "The account has too many custom fields"),
    ("search_too_slow", ANY_CALL): Answer(503, proposed.UNAVAILABLE, "The search took too long"),
    ("unknown_subuser", ANY_CALL): Answer(403, "FORBIDDEN", "On-Behalf-Of names no subuser of this account"),
    ("unfit_character", ANY_CALL): Answer(422, VALIDATION, "{said}", ITS_OWN),
    ("inexpressible", ANY_CALL): Answer(422, VALIDATION, "{said}", ITS_OWN),
    ("reserved_header", ANY_CALL): Answer(422, VALIDATION, "{said}", ITS_OWN),
    ("invalid_message_id", ANY_CALL): Answer(422, VALIDATION, "{said}", ITS_OWN),
    ("invalid_reply_to", ANY_CALL): Answer(422, VALIDATION, "{said}", ITS_OWN),
    ("message_too_large", ANY_CALL): Answer(
        413, "PAYLOAD_TOO_LARGE", "The messages of the campaign could become too large"
    ),
    ("queue_full", ANY_CALL): Answer(429, "RATE_LIMITED", "Too many requests. Please retry after {seconds} seconds."),
    **dict.fromkeys(
        [(code, ANY_CALL) for code in ("too_many_calls", "too_many_jobs", "uploads_full")],
        Answer(429, "RATE_LIMITED", "Too many requests. Please retry after {seconds} seconds."),
    ),
    ("bad_idempotency_key", ANY_CALL): Answer(
        400, "IDEMPOTENCY_KEY_INVALID", "The Idempotency-Key must be 1 to 255 visible ASCII characters"
    ),
    ("idempotency_key_reused", ANY_CALL): Answer(
        422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for a request with another body"
    ),
    ("idempotency_in_progress", ANY_CALL): Answer(
        409, "IDEMPOTENCY_IN_PROGRESS", "A request with this Idempotency-Key is under way"
    ),
}
"""By the core's code and the call (method and resource); a row for `ANY_CALL` serves the calls without their own."""

ELSEWHERE: Final = Answer(409, "CONFLICT", "This cannot be done now: {said}")
"""Errors of calls that this wire does not have: of batches, messages, keys, groups, jobs and the writing of senders."""
ELSEWHERE_CODES: Final = frozenset(
    {
        *("unknown_batch", "status_conflict", "no_stop_place_left", "stop_too_late", "pause_is_over"),
        *("unknown_message", "message_in_flight", "message_ended", "unknown_key", "key_limit_reached"),
        *("scopes_not_grantable", "unknown_group", "unknown_groups_to_display", "group_name_taken"),
        *("group_limit_reached", "unverified_sender", "two_unsubscribe_links", "fixed_field", "too_many_tests"),
        *("field_in_use", "invalid_condition", "invalid_query", "unknown_job", "unusable_columns"),
        *("too_many_contacts", "file_uploaded", "upload_in_progress", "file_too_large", "unknown_link"),
        *("invalid_sender", "unknown_sender", "sender_limit_reached", "sender_locked", "sender_verified"),
        "verification_limit_reached",
    }
)

BODY_ANSWERS: dict[type[BadBody], Answer] = {
    BodyTooLarge: Answer(413, "PAYLOAD_TOO_LARGE", "The request is too large"),
    UnknownEncoding: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Encoding must be gzip"),
    NotUtf8: Answer(400, proposed.BAD_REQUEST, "The request body is not UTF-8"),
    NotJson: Answer(400, proposed.BAD_REQUEST, "The request body is not a JSON object"),
    TooDeep: Answer(400, proposed.BAD_REQUEST, f"The request body is nested more than {MAX_DEPTH} levels deep"),
}

HTTP_ANSWERS: dict[int, Answer] = {
    400: Answer(400, proposed.BAD_REQUEST, "The request makes no sense"),
    401: Answer(401, proposed.UNAUTHORIZED, "Unauthenticated."),
    403: Answer(403, "FORBIDDEN", "The API token lacks the scope for this"),
    404: Answer(404, NOT_FOUND, "There is nothing here"),
    405: Answer(405, proposed.METHOD_NOT_ALLOWED, "The method is not allowed here"),
    413: BODY_ANSWERS[BodyTooLarge],
    414: Answer(414, "URI_TOO_LONG", "The query string is too long"),
    415: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json"),
    429: CORE_ANSWERS["queue_full", ANY_CALL],
    500: Answer(500, proposed.INTERNAL_ERROR, "Something went wrong on our side"),
    503: Answer(503, proposed.UNAVAILABLE, "The service cannot answer now"),
}

PART_FIELDS: Final = {"sender": "from_identity", "lists": "list_uuid", "segments": "segment_uuid"}
"""What the wire calls the parts of a campaign."""


def plain_refusal(status: int, **said: Any) -> Refusal:
    """The refusal that says no more than its status does."""
    return _refuse(HTTP_ANSWERS[status], said)


def invalid(details: Details) -> Refusal:
    """For fields that are wrong."""
    return Refusal(422, VALIDATION, "The given data was invalid", details=details)


def selected(*fields: str) -> Refusal:
    """For ids in a body or a query that are nobody's, or another account's."""
    return invalid({field: [f"The selected {field.replace('_', ' ')} is invalid."] for field in fields})


def answer_for(error: Exception, call: str, **path: Any) -> Refusal | None:
    """The refusal an exception stands for in a call such as `POST cancel`; None: it is a fault of ours. `path` has the
    ids of the path, and `seconds`, after which to come again."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, SluiceError):
        return core_refusal(error, call, path)
    if isinstance(error, CallerRefused):
        return _refuse(HTTP_ANSWERS[error.status], path)
    if isinstance(error, BadBody):
        return _refuse(BODY_ANSWERS[type(error)], path)
    if isinstance(error, OperationalError | InterfaceError):
        # The database is away. Whether a commit came through is not known: the caller may ask again.
        return plain_refusal(503)
    if isinstance(error, drf.APIException):
        return _refuse(HTTP_ANSWERS.get(error.status_code, HTTP_ANSWERS[400]), path)
    return None


def core_refusal(error: SluiceError, call: str, path: Mapping[str, Any]) -> Refusal:
    if isinstance(error, UnknownPart):
        return selected(*(PART_FIELDS.get(field, field) for field in error.fields))
    if error.code in ELSEWHERE_CODES:
        return _refuse(ELSEWHERE, {"said": error})
    answer = CORE_ANSWERS.get((error.code, call)) or CORE_ANSWERS[error.code, ANY_CALL]
    said = {"said": error, "field": (error.field or "").replace("_", " ")}
    if isinstance(error, NotReady):
        return Refusal(answer.status, answer.code, answer.message, details={"missing": keys_of(error.lacks)})
    return _refuse(answer, {**path, **said}, field=error.field)


def keys_of(lacks: Sequence[Lack]) -> list[str]:
    """What a campaign lacks, as the wire has it."""
    return [key for lack, key in proposed.MISSING.items() if lack in lacks]


class _Said(dict[str, Any]):
    """What a message names and the call has not is left blank."""

    def __missing__(self, key: str) -> str:
        return ""


def _refuse(answer: Answer, said: Mapping[str, Any], *, field: str | None = None) -> Refusal:
    message = answer.message.format_map(_Said(said))
    if answer.field is not None:
        return invalid({(field or "contact") if answer.field == ITS_OWN else answer.field: [message]})
    return Refusal(answer.status, answer.code, message)
