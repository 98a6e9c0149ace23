"""Define the errors of Easymail's API: status, code and message for every error that its calls can raise.

`answer_for` turns an exception into a `Refusal`; `outputs` writes it down.
"""

from __future__ import annotations

from typing import Any, Final

from api.easymail import proposed
from api.errors import ANY_CALL, ITS_OWN, CodedAnswer, CodedErrors, CodedRefusal
from api.http import MAX_DEPTH, BadBody, BodyTooLarge, NotJson, NotUtf8, TooDeep, UnknownEncoding
from campaigns.errors import InvalidContent, NotReady, UnknownPart
from foundation.errors import SluiceError

Answer = CodedAnswer
Refusal = CodedRefusal

VALIDATION: Final = "VALIDATION_ERROR"
NOT_FOUND: Final = "RESOURCE_NOT_FOUND"
IN_PROGRESS: Final = "CAMPAIGN_TRANSITION_IN_PROGRESS"

RATE_LIMITED: Final = Answer(429, "RATE_LIMITED", "Too many requests. Please retry after {seconds} seconds.")
NOT_SENDABLE: Final = Answer(409, "CAMPAIGN_NOT_SENDABLE", proposed.NOT_SENDABLE_TEXT)

CORE_ANSWERS: Final[dict[tuple[str, str], Answer]] = {
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
    ("campaign_limit_reached", ANY_CALL): Answer(
        409, proposed.LIMIT_REACHED, "The account has reached its limit of campaigns; delete one first"
    ),
    ("unknown_contact", ANY_CALL): Answer(404, NOT_FOUND, "Contact with UUID '{contact_id}' not found"),
    ("unknown_contact", "POST item"): Answer(404, NOT_FOUND, "Contact not found"),
    ("unknown_contact", "DELETE item"): Answer(404, NOT_FOUND, "Contact not found"),
    ("contact_taken", "POST contacts"): Answer(409, "DUPLICATE_RESOURCE", "A contact with this {field} already exists"),
    ("contact_taken", ANY_CALL): Answer(422, VALIDATION, "The {field} has already been taken.", ITS_OWN),
    ("unknown_list", ANY_CALL): Answer(404, NOT_FOUND, "List with uuid '{list_id}' not found"),
    ("unknown_segment", ANY_CALL): Answer(404, NOT_FOUND, "Segment with uuid '{segment_id}' not found"),
    ("name_taken", "POST custom fields"): Answer(422, VALIDATION, "The field key has already been taken.", "field_key"),
    ("name_taken", ANY_CALL): Answer(422, VALIDATION, "The name has already been taken.", "name"),
    ("invalid_name", ANY_CALL): Answer(422, VALIDATION, "The name field format is invalid.", "name"),
    ("unknown_field", ANY_CALL): Answer(404, NOT_FOUND, "Custom field not found"),
    ("field_limit_reached", ANY_CALL): Answer(
        409, proposed.LIMIT_REACHED, "The account has reached its limit of custom fields; delete one first"
    ),
    ("search_too_slow", ANY_CALL): Answer(
        503, proposed.UNAVAILABLE, "The search took too long; use a more specific text"
    ),
    ("unknown_subuser", ANY_CALL): Answer(403, "FORBIDDEN", "On-Behalf-Of does not name a subuser of this account"),
    ("invalid_content", ANY_CALL): Answer(422, VALIDATION, "{error}", ITS_OWN),
    ("unfit_character", ANY_CALL): Answer(422, VALIDATION, "{error}", ITS_OWN),
    ("inexpressible", ANY_CALL): Answer(422, VALIDATION, "{error}", ITS_OWN),
    ("reserved_header", ANY_CALL): Answer(422, VALIDATION, "{error}", ITS_OWN),
    ("invalid_message_id", ANY_CALL): Answer(422, VALIDATION, "{error}", ITS_OWN),
    ("invalid_reply_to", ANY_CALL): Answer(422, VALIDATION, "{error}", ITS_OWN),
    ("message_too_large", ANY_CALL): Answer(
        413, "PAYLOAD_TOO_LARGE", "The messages of the campaign could become too large"
    ),
    ("queue_full", ANY_CALL): RATE_LIMITED,
    ("too_many_calls", ANY_CALL): RATE_LIMITED,
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
"""The rows by the core's code and the call (method and resource). `{campaign_id}` and the like are ids of the path."""

FALLBACK: Final = Answer(409, "CONFLICT", "This cannot be done now: {error}")
"""The row for errors that no call of this API should raise."""

BODY_ANSWERS: Final[dict[type[BadBody], Answer]] = {
    BodyTooLarge: Answer(413, "PAYLOAD_TOO_LARGE", "The request is too large"),
    UnknownEncoding: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Encoding must be gzip"),
    NotUtf8: Answer(400, proposed.BAD_REQUEST, "The request body is not UTF-8"),
    NotJson: Answer(400, proposed.BAD_REQUEST, "The request body is not a JSON object"),
    TooDeep: Answer(400, proposed.BAD_REQUEST, f"The request body is nested more than {MAX_DEPTH} levels deep"),
}

HTTP_ANSWERS: Final[dict[int, Answer]] = {
    400: Answer(400, proposed.BAD_REQUEST, "Malformed request"),
    401: Answer(401, proposed.UNAUTHORIZED, "Unauthenticated."),
    403: Answer(403, "FORBIDDEN", "The API token does not have the scope for this call"),
    404: Answer(404, NOT_FOUND, "This path does not exist"),
    405: Answer(405, proposed.METHOD_NOT_ALLOWED, "This path does not allow the method"),
    413: BODY_ANSWERS[BodyTooLarge],
    414: Answer(414, "URI_TOO_LONG", "The query string is too long"),
    415: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json"),
    429: RATE_LIMITED,
    500: Answer(500, proposed.INTERNAL_ERROR, "An internal error occurred; the log of the server has the details"),
    503: Answer(503, proposed.UNAVAILABLE, "The service is unavailable; try again"),
}

PART_FIELDS: Final = {"sender": "from_identity", "lists": "list_uuid", "segments": "segment_uuid"}
"""The names that this API has for the parts of a campaign."""
CONTENT_FIELDS: Final = {"markdown": "content", "html_content": "content", "plain_content": "content"}
"""The name that this API has for the texts of a campaign's messages."""


class EasymailErrors(CodedErrors):
    """The rows, the two errors that name several things, and the one about a text that this API calls differently."""

    def refuse_core(self, error: SluiceError, call: str, **values: Any) -> Refusal:
        """Return the refusal for an error of the core."""
        if isinstance(error, UnknownPart):
            return selected(*(PART_FIELDS.get(part, part) for part in error.fields))
        if isinstance(error, NotReady):
            row = self.row_for_core(error.code, call)
            missing = [name for need, name in proposed.MISSING.items() if need in error.missing]
            return Refusal(row.status, row.code, row.message, details={"missing": missing})
        if isinstance(error, InvalidContent) and error.field in CONTENT_FIELDS:
            return invalid({CONTENT_FIELDS[error.field]: [str(error)]})
        return super().refuse_core(error, call, **values)


ERRORS: Final = EasymailErrors(
    core=CORE_ANSWERS,
    fallback=FALLBACK,
    bodies=BODY_ANSWERS,
    http=HTTP_ANSWERS,
    invalid_row=Answer(422, VALIDATION, "The given data was invalid"),
    default_field="contact",
)

answer_for = ERRORS.answer_for
plain_refusal = ERRORS.plain
invalid = ERRORS.invalid


def selected(*fields: str) -> Refusal:
    """Return the refusal for ids in a body or a query that do not exist, or that belong to another account."""
    return invalid({field: [f"The selected {field.replace('_', ' ')} is invalid."] for field in fields})
