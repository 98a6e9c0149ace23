"""Define the errors of the native API: status, code and message for every error that its calls can raise.

`answer_for` turns an exception into a `Refusal`; `outputs.py` writes it down.
"""

from __future__ import annotations

from typing import Any, Final

from api.errors import ANY_CALL, ITS_OWN, CodedAnswer, CodedErrors, CodedRefusal
from api.http import MAX_DEPTH, BadBody, BodyTooLarge, NotJson, NotUtf8, TooDeep, UnknownEncoding
from batches.listing import UnknownPlace

Answer = CodedAnswer
Refusal = CodedRefusal

CORE_ANSWERS: Final[dict[tuple[str, str], Answer]] = {
    ("unknown_batch", ANY_CALL): Answer(404, "RESOURCE_NOT_FOUND", "Batch not found."),
    ("status_conflict", ANY_CALL): Answer(409, "BATCH_STATUS_CONFLICT", "This cannot be done now: {error}."),
    ("status_conflict", "POST account"): Answer(409, "ACCOUNT_STATUS_CONFLICT", "This cannot be done now: {error}."),
    ("unknown_campaign", ANY_CALL): Answer(404, "RESOURCE_NOT_FOUND", "Campaign not found."),
    ("campaign_conflict", ANY_CALL): Answer(409, "CAMPAIGN_STATUS_CONFLICT", "This cannot be done now: {error}."),
    ("transition_in_progress", ANY_CALL): Answer(
        409, "CAMPAIGN_IN_TRANSITION", "Another change of the campaign is being committed. Try again."
    ),
    ("unknown_key", ANY_CALL): Answer(404, "RESOURCE_NOT_FOUND", "Key not found."),
    ("pause_is_over", ANY_CALL): Answer(422, "VALIDATION_ERROR", "This time has passed.", "until"),
    ("unknown_message", ANY_CALL): Answer(404, "RESOURCE_NOT_FOUND", "Message not found."),
    ("message_in_flight", ANY_CALL): Answer(
        409, "MESSAGE_IN_FLIGHT", "A worker has claimed the message and has not given it back. Try again."
    ),
    ("message_ended", ANY_CALL): Answer(409, "MESSAGE_ENDED", "This cannot be done now: {error}."),
    ("unknown_endpoint", ANY_CALL): Answer(404, "RESOURCE_NOT_FOUND", "Endpoint not found."),
    ("unknown_delivery", ANY_CALL): Answer(404, "RESOURCE_NOT_FOUND", "Delivery not found."),
    ("endpoint_limit_reached", ANY_CALL): Answer(
        409, "ENDPOINT_LIMIT_REACHED", "The account has reached its limit of endpoints. Delete one first."
    ),
    ("invalid_url", ANY_CALL): Answer(
        422,
        "VALIDATION_ERROR",
        "Must be a URL of http or https in visible ASCII characters. Only `url` may have a user name and a password.",
        ITS_OWN,
    ),
    ("url_taken", ANY_CALL): Answer(422, "VALIDATION_ERROR", "Another endpoint has this URL.", "url"),
    ("incomplete_oauth", ANY_CALL): Answer(
        422, "VALIDATION_ERROR", "OAuth needs a client id, a client secret and a token URL.", ITS_OWN
    ),
    ("no_secret", ANY_CALL): Answer(
        409,
        "ENDPOINT_WITHOUT_SECRET",
        "An endpoint of SendGrid's dialect has no secret: it signs with a key pair, which cannot be rotated.",
    ),
    ("not_replayable", ANY_CALL): Answer(409, "DELIVERY_NOT_REPLAYABLE", "This cannot be done now: {error}."),
    ("search_too_slow", ANY_CALL): Answer(
        503, "UNAVAILABLE", "The search in the log took too long. Try again with a lower limit."
    ),
    ("bad_idempotency_key", ANY_CALL): Answer(
        400, "IDEMPOTENCY_KEY_INVALID", "The Idempotency-Key must be 1 to 255 visible ASCII characters."
    ),
    ("idempotency_key_reused", ANY_CALL): Answer(
        422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for a request with another body."
    ),
    ("idempotency_in_progress", ANY_CALL): Answer(
        409, "IDEMPOTENCY_IN_PROGRESS", "A request with this Idempotency-Key is under way; try again."
    ),
    ("unknown_subuser", ANY_CALL): Answer(403, "FORBIDDEN", "On-Behalf-Of does not name a subuser of this account."),
}
"""The rows by the core's code and the call (method and resource)."""

FALLBACK: Final = Answer(409, "CONFLICT", "This cannot be done now: {error}.")
"""The row for errors that no call of this API should raise."""

BODY_ANSWERS: Final[dict[type[BadBody], Answer]] = {
    BodyTooLarge: Answer(413, "PAYLOAD_TOO_LARGE", "The request is too large."),
    UnknownEncoding: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Encoding must be gzip."),
    NotUtf8: Answer(400, "BAD_REQUEST", "The request body is not UTF-8."),
    NotJson: Answer(400, "BAD_REQUEST", "The request body is not a JSON object."),
    TooDeep: Answer(400, "BAD_REQUEST", f"The request body is nested more than {MAX_DEPTH} levels deep."),
}

HTTP_ANSWERS: Final[dict[int, Answer]] = {
    400: Answer(400, "BAD_REQUEST", "Malformed request."),
    401: Answer(401, "UNAUTHORIZED", "A valid API key is required."),
    403: Answer(403, "FORBIDDEN", "The API key does not have the scope for this call."),
    404: Answer(404, "RESOURCE_NOT_FOUND", "This path does not exist."),
    405: Answer(405, "METHOD_NOT_ALLOWED", "This path does not allow the method."),
    413: BODY_ANSWERS[BodyTooLarge],
    414: Answer(414, "URI_TOO_LONG", "The query string is too long."),
    415: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json."),
    429: Answer(429, "RATE_LIMITED", "Too many requests."),
    500: Answer(500, "INTERNAL_ERROR", "An internal error occurred. The log of the server has the details."),
    503: Answer(503, "UNAVAILABLE", "The service is unavailable. Try again."),
}

ERRORS: Final = CodedErrors(
    core=CORE_ANSWERS,
    fallback=FALLBACK,
    bodies=BODY_ANSWERS,
    http=HTTP_ANSWERS,
    invalid_row=Answer(422, "VALIDATION_ERROR", "The given data was invalid."),
)

plain_refusal = ERRORS.plain
invalid = ERRORS.invalid


def not_found(resource: str) -> Refusal:
    """Return the refusal for a thing that does not exist, or that belongs to another account."""
    return Refusal(404, "RESOURCE_NOT_FOUND", f"{resource} not found.")


def answer_for(error: Exception, call: str, **values: Any) -> Refusal | None:
    """Return the refusal for an exception of a call such as `GET batch`, or None for a fault of ours."""
    if isinstance(error, UnknownPlace):
        return invalid({"after": ["The list has no such id."]})
    return ERRORS.answer_for(error, call, **values)
