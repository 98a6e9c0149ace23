"""What can be wrong, in the native API's words: status, code and message for every error of the core and of HTTP.

`answer_for` turns an exception into a `Refusal`; `outputs.py` writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import InterfaceError, OperationalError
from rest_framework import exceptions as drf

from api.caller import CallerRefused
from api.http import MAX_DEPTH, BadBody, BodyTooLarge, NotJson, NotUtf8, TooDeep, UnknownEncoding
from batches.listing import UnknownPlace
from foundation.errors import SluiceError

ANY_RESOURCE: Final = "any resource"

Details = Mapping[str, Sequence[str]]
"""What is wrong with each field."""


class Refusal(Exception):
    """The answer to a request that is not done. `details` only where there is something to say of fields."""

    def __init__(self, status: int, code: str, message: str, *, details: Details | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of the tables below. `{said}` stands for what the core said; with `field` the message is its detail."""

    status: int
    code: str
    message: str
    field: str | None = None


CORE_ANSWERS: dict[tuple[str, str], Answer] = {
    ("unknown_batch", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Batch not found."),
    ("status_conflict", ANY_RESOURCE): Answer(409, "BATCH_STATUS_CONFLICT", "This cannot be done now: {said}."),
    ("status_conflict", "account"): Answer(409, "ACCOUNT_STATUS_CONFLICT", "This cannot be done now: {said}."),
    ("pause_is_over", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "This time has passed.", "until"),
    ("unknown_message", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Message not found."),
    ("message_in_flight", ANY_RESOURCE): Answer(
        409, "MESSAGE_IN_FLIGHT", "A worker has the message and did not give it back; ask again."
    ),
    ("message_ended", ANY_RESOURCE): Answer(409, "MESSAGE_ENDED", "This cannot be done now: {said}."),
    # SendGrid's limits, which this dialect does not have.
    ("no_stop_place_left", ANY_RESOURCE): Answer(409, "STOP_LIMIT_REACHED", "This cannot be done now: {said}."),
    ("stop_too_late", ANY_RESOURCE): Answer(409, "STOP_TOO_LATE", "The batch is about to be sent."),
    ("unknown_key", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "API key not found."),
    ("key_limit_reached", ANY_RESOURCE): Answer(409, "API_KEY_LIMIT_REACHED", "The account has too many keys."),
    ("scopes_not_grantable", ANY_RESOURCE): Answer(403, "FORBIDDEN", "Some of these scopes are not yours to give."),
    ("bad_idempotency_key", ANY_RESOURCE): Answer(
        400, "IDEMPOTENCY_KEY_INVALID", "The Idempotency-Key must be 1 to 255 visible ASCII characters."
    ),
    ("idempotency_key_reused", ANY_RESOURCE): Answer(
        422, "IDEMPOTENCY_KEY_REUSED", "This Idempotency-Key was used for a request with another body."
    ),
    ("idempotency_in_progress", ANY_RESOURCE): Answer(
        409, "IDEMPOTENCY_IN_PROGRESS", "A request with this Idempotency-Key is under way; ask again."
    ),
    # Of calls that only SendGrid's wire has.
    ("unknown_group", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Unsubscribe group not found."),
    ("unknown_groups_to_display", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Unsubscribe group not found."),
    ("group_name_taken", ANY_RESOURCE): Answer(409, "GROUP_NAME_TAKEN", "An unsubscribe group has this name."),
    ("group_limit_reached", ANY_RESOURCE): Answer(409, "GROUP_LIMIT_REACHED", "The account has too many groups."),
    # Of campaigns, which this dialect does not speak of yet.
    ("unknown_campaign", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Campaign not found."),
    ("campaign_conflict", ANY_RESOURCE): Answer(409, "CAMPAIGN_STATUS_CONFLICT", "This cannot be done now: {said}."),
    ("transition_in_progress", ANY_RESOURCE): Answer(
        409, "TRANSITION_IN_PROGRESS", "Another change of this campaign is in progress; ask again."
    ),
    ("not_ready", ANY_RESOURCE): Answer(422, "CAMPAIGN_NOT_READY", "This cannot be done now: {said}."),
    ("time_is_past", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "This time has passed.", "send_at"),
    ("unknown_part", ANY_RESOURCE): Answer(422, "UNKNOWN_PART", "The campaign names what does not exist."),
    ("unverified_sender", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "It is not verified.", "sender"),
    ("two_unsubscribe_links", ANY_RESOURCE): Answer(
        422, "TWO_UNSUBSCRIBE_LINKS", "A campaign has an unsubscribe group or a link of its own, never both."
    ),
    ("fixed_field", ANY_RESOURCE): Answer(422, "FIXED_FIELD", "This cannot be changed: {said}."),
    ("foreign_content", ANY_RESOURCE): Answer(409, "CONTENT_WOULD_BE_LOST", "The content was not written as Markdown."),
    ("test_failed", ANY_RESOURCE): Answer(409, "TEST_SEND_FAILED", "The test did not leave: {said}."),
    ("campaign_limit_reached", ANY_RESOURCE): Answer(
        409, "CAMPAIGN_LIMIT_REACHED", "The account has too many campaigns."
    ),
    ("too_many_tests", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "There are too many addresses.", "to"),
    ("unknown_contact", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Contact not found."),
    ("contact_taken", ANY_RESOURCE): Answer(409, "CONTACT_TAKEN", "Another contact has this address or identifier."),
    ("invalid_contact", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The contact cannot be stored: {said}."),
    ("unknown_field", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Custom field not found."),
    ("field_in_use", ANY_RESOURCE): Answer(409, "FIELD_IN_USE", "A segment has a condition on the custom field."),
    ("field_limit_reached", ANY_RESOURCE): Answer(
        409, "FIELD_LIMIT_REACHED", "The account has too many custom fields."
    ),
    ("invalid_name", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "This cannot be the name.", "name"),
    ("name_taken", ANY_RESOURCE): Answer(409, "NAME_TAKEN", "This cannot be done now: {said}."),
    ("unknown_list", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "List not found."),
    ("unknown_segment", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Segment not found."),
    ("invalid_condition", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The condition makes no sense: {said}."),
    ("invalid_query", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The query cannot be read: {said}."),
    ("unknown_job", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Job not found."),
    ("unusable_columns", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The columns make no contact: {said}."),
    ("too_many_contacts", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "There are too many contacts."),
    ("file_uploaded", ANY_RESOURCE): Answer(409, "FILE_UPLOADED", "The file has been uploaded already."),
    ("upload_in_progress", ANY_RESOURCE): Answer(409, "UPLOAD_IN_PROGRESS", "The file is being uploaded."),
    ("file_too_large", ANY_RESOURCE): Answer(413, "PAYLOAD_TOO_LARGE", "The file is too large."),
    ("unknown_link", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "There is nothing here."),
    ("invalid_sender", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The sender cannot be stored: {said}."),
    ("unknown_sender", ANY_RESOURCE): Answer(404, "RESOURCE_NOT_FOUND", "Sender not found."),
    ("sender_limit_reached", ANY_RESOURCE): Answer(409, "SENDER_LIMIT_REACHED", "The account has too many senders."),
    ("sender_locked", ANY_RESOURCE): Answer(409, "SENDER_LOCKED", "A campaign uses the sender."),
    ("verification_limit_reached", ANY_RESOURCE): Answer(429, "VERIFICATION_LIMIT_REACHED", "Try again later."),
    ("sender_verified", ANY_RESOURCE): Answer(409, "SENDER_VERIFIED", "The sender is verified."),
    ("search_too_slow", ANY_RESOURCE): Answer(408, "SEARCH_TOO_SLOW", "The search took too long."),
    ("unfit_character", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The request cannot be stored: {said}."),
    ("inexpressible", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The request cannot be sent: {said}."),
    ("reserved_header", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The headers cannot be used: {said}."),
    ("invalid_message_id", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The headers cannot be used: {said}."),
    ("invalid_reply_to", ANY_RESOURCE): Answer(422, "VALIDATION_ERROR", "The Reply-To cannot be used: {said}."),
    ("message_too_large", ANY_RESOURCE): Answer(413, "PAYLOAD_TOO_LARGE", "A message could become too large."),
    ("too_many_calls", ANY_RESOURCE): Answer(429, "TOO_MANY_CALLS", "This cannot be done now: {said}."),
    ("too_many_jobs", ANY_RESOURCE): Answer(429, "TOO_MANY_JOBS", "This cannot be done now: {said}."),
    ("uploads_full", ANY_RESOURCE): Answer(429, "UPLOADS_FULL", "This cannot be done now: {said}."),
    ("queue_full", ANY_RESOURCE): Answer(429, "QUEUE_FULL", "This cannot be done now: {said}."),
    ("unknown_subuser", ANY_RESOURCE): Answer(403, "FORBIDDEN", "On-Behalf-Of names no subuser of this account."),
}
"""By the core's code and the resource; a row for `ANY_RESOURCE` serves the resources without their own."""

BODY_ANSWERS: dict[type[BadBody], Answer] = {
    BodyTooLarge: Answer(413, "PAYLOAD_TOO_LARGE", "The request is too large."),
    UnknownEncoding: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Encoding must be gzip."),
    NotUtf8: Answer(400, "BAD_REQUEST", "The request body is not UTF-8."),
    NotJson: Answer(400, "BAD_REQUEST", "The request body is not a JSON object."),
    TooDeep: Answer(400, "BAD_REQUEST", f"The request body is nested more than {MAX_DEPTH} levels deep."),
}

HTTP_ANSWERS: dict[int, Answer] = {
    400: Answer(400, "BAD_REQUEST", "The request makes no sense."),
    401: Answer(401, "UNAUTHORIZED", "A valid API key is required."),
    403: Answer(403, "FORBIDDEN", "The API key lacks the scope for this."),
    404: Answer(404, "RESOURCE_NOT_FOUND", "There is nothing here."),
    405: Answer(405, "METHOD_NOT_ALLOWED", "The method is not allowed here."),
    413: BODY_ANSWERS[BodyTooLarge],
    414: Answer(414, "URI_TOO_LONG", "The query string is too long."),
    415: Answer(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type must be application/json."),
    429: Answer(429, "RATE_LIMITED", "Too many requests."),
    500: Answer(500, "INTERNAL_ERROR", "Something went wrong on our side."),
    503: Answer(503, "UNAVAILABLE", "The service cannot answer now; ask again."),
}


def plain_refusal(status: int) -> Refusal:
    """The refusal that says no more than its status does."""
    return _refuse(HTTP_ANSWERS[status])


def not_found(thing: str) -> Refusal:
    """For a thing that does not exist, or is another account's."""
    return Refusal(404, "RESOURCE_NOT_FOUND", f"{thing} not found.")


def invalid(details: Details) -> Refusal:
    """For fields that are wrong."""
    return Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", details=details)


def answer_for(error: Exception, resource: str) -> Refusal | None:
    """The refusal an exception stands for when a resource is asked; None: it is a fault of ours."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, SluiceError):
        answer = CORE_ANSWERS.get((error.code, resource)) or CORE_ANSWERS[error.code, ANY_RESOURCE]
        return _refuse(answer, said=str(error))
    if isinstance(error, UnknownPlace):
        return invalid({"after": ["The list has no such id."]})
    if isinstance(error, CallerRefused):
        return plain_refusal(error.status)
    if isinstance(error, BadBody):
        return _refuse(BODY_ANSWERS[type(error)])
    if isinstance(error, OperationalError | InterfaceError):
        # The database is away. Whether a commit came through is not known: the caller may ask again.
        return plain_refusal(503)
    if isinstance(error, drf.APIException):
        return _refuse(HTTP_ANSWERS.get(error.status_code, HTTP_ANSWERS[400]))
    return None


def _refuse(answer: Answer, *, said: str = "") -> Refusal:
    if answer.field is not None:
        return invalid({answer.field: [answer.message]})
    return Refusal(answer.status, answer.code, answer.message.format(said=said))
