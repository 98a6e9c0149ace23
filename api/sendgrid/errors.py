"""What can be wrong, in SendGrid's words: status, field and message for every error of the core and of HTTP.

`answer_for` turns an exception into a `Refusal`; `outputs.py` writes it down in the envelope of its family.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError
from rest_framework import exceptions as drf

from accounts.errors import ScopesNotGrantable
from api.caller import CallerRefused, NoCredentials, ScopeMissing, UnknownCredentials
from api.http import MAX_DEPTH, BadBody, BodyTooLarge, NotJson, NotUtf8, TooDeep, UnknownEncoding
from api.sendgrid import audience_texts, campaign_texts
from api.sendgrid.campaign_texts import ANY_CALL
from foundation.errors import SluiceError
from mailer.errors import UnknownGroup
from mailer.suppressions.groups import GROUPS_LIMIT

MAIL_SEND: Final = "POST mail/send"
ITS_OWN: Final = "the error's own"
"""As the field of an answer: that which the error names."""

HELP_PAGE = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#"


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of an `errors` array. `help` is written on mail/send only, `error_id` below /v3/marketing."""

    message: str
    field: str | None = None
    help: str | None = None
    error_id: str | None = None


class Refusal(Exception):
    """The answer to a request that is not done."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(status, problems)
        self.status = status
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of the tables below. `message` may name settings or parts of the error in braces."""

    status: int
    field: str | None
    message: str
    help: str | None = None


CORE_ANSWERS: dict[tuple[str, str], Answer] = {
    ("unknown_batch", ANY_CALL): Answer(404, None, "batch id not found"),
    ("unknown_batch", "GET mail/batch"): Answer(400, None, "invalid batch id"),
    ("unknown_batch", "POST scheduled_sends"): Answer(400, "batch_id", "invalid batch id"),
    ("unknown_batch", MAIL_SEND): Answer(400, "batch_id", "invalid batch id", HELP_PAGE + "message.batch_id"),
    ("status_conflict", ANY_CALL): Answer(404, None, "batch id not found"),
    ("status_conflict", "POST scheduled_sends"): Answer(
        400, "batch_id", "a status for this batch id exists, try PATCH to update the status"
    ),
    ("no_stop_place_left", ANY_CALL): Answer(400, None, "max limit reached"),
    # Not in any document of the wire: there a late stop is only said to be impossible.
    ("stop_too_late", ANY_CALL): Answer(400, "batch_id", "too late to pause or cancel: the batch is about to be sent"),
    # Of calls that this wire does not have.
    ("pause_is_over", ANY_CALL): Answer(400, None, "the pause has ended"),
    ("unknown_message", ANY_CALL): Answer(404, None, "message not found"),
    ("message_in_flight", ANY_CALL): Answer(409, None, "the message is being sent"),
    ("message_ended", ANY_CALL): Answer(409, None, "the message has ended"),
    ("unknown_key", ANY_CALL): Answer(404, None, "unable to find API Key"),
    ("unknown_key", "PUT api_keys"): Answer(404, None, "unable to find API Key to update"),
    ("unknown_key", "DELETE api_keys"): Answer(404, None, "unable to find API Key for deletion"),
    ("key_limit_reached", ANY_CALL): Answer(403, None, "Cannot create more than {API_KEYS_LIMIT} API Keys"),
    ("scopes_not_grantable", ANY_CALL): Answer(403, None, "unauthorized scopes: [{scopes}]"),
    ("unknown_subuser", ANY_CALL): Answer(403, None, "access forbidden"),
    # The wire has neither keys nor a bound of this kind: these words are ours.
    ("bad_idempotency_key", ANY_CALL): Answer(
        400, None, "The Idempotency-Key must be 1 to 255 visible ASCII characters."
    ),
    ("idempotency_key_reused", ANY_CALL): Answer(
        400, None, "This Idempotency-Key was used for a request with another body."
    ),
    ("idempotency_in_progress", ANY_CALL): Answer(
        409, None, "A request with this Idempotency-Key is under way; ask again."
    ),
    ("unknown_group", ANY_CALL): Answer(404, None, "not found"),
    ("unknown_group", MAIL_SEND): Answer(
        400,
        "asm.group_id",
        "The ASM group ID must be a valid Group ID on your account. You provided {ids}.",
        HELP_PAGE + "message.asm.group_id",
    ),
    ("unknown_groups_to_display", ANY_CALL): Answer(
        400,
        "asm.groups_to_display",
        "All ASM groups to display must be valid ASM groups IDs on your account. You provided {ids}.",
        HELP_PAGE + "message.asm.groups_to_display",
    ),
    # Ours: the documents have the rule and no text for it.
    ("group_name_taken", ANY_CALL): Answer(400, "name", "a group with this name exists"),
    ("group_limit_reached", ANY_CALL): Answer(400, None, f"Cannot create more than {GROUPS_LIMIT} groups"),
    ("unknown_contact", ANY_CALL): Answer(404, None, "recipient_id is not valid"),
    ("contact_taken", ANY_CALL): Answer(400, ITS_OWN, "another contact has it"),
    ("invalid_contact", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("unknown_field", ANY_CALL): Answer(404, None, "Custom field ID does not exist"),
    ("field_in_use", ANY_CALL): Answer(400, None, "Custom field in use by one or more segment conditions"),
    ("field_limit_reached", ANY_CALL): Answer(400, None, "Cannot create more than {CUSTOM_FIELDS_LIMIT} custom fields"),
    ("invalid_name", ANY_CALL): Answer(400, "name", "{said}"),
    ("name_taken", ANY_CALL): Answer(400, "name", "{said}"),
    ("unknown_list", ANY_CALL): Answer(404, None, "List ID does not exist"),
    ("unknown_segment", ANY_CALL): Answer(404, None, "segment_id not found"),
    ("invalid_condition", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("invalid_query", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("search_too_slow", ANY_CALL): Answer(408, None, "the search took longer than {SEARCH_SECONDS:g} seconds"),
    ("unfit_character", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("inexpressible", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("reserved_header", ANY_CALL): Answer(400, ITS_OWN, "Header can not be one of the reserved keys: {said}."),
    ("invalid_message_id", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("invalid_reply_to", ANY_CALL): Answer(400, ITS_OWN, "{said}"),
    ("message_too_large", ANY_CALL): Answer(
        413, ITS_OWN, "A message may not exceed {MAX_MESSAGE_BYTES:,} bytes with its substitutions made."
    ),
    ("too_many_calls", ANY_CALL): Answer(429, None, "too many requests: {said}"),
    ("too_many_jobs", ANY_CALL): Answer(429, None, "too many requests: {said}"),
    ("uploads_full", ANY_CALL): Answer(429, None, "too many requests: {said}"),
    ("queue_full", ANY_CALL): Answer(
        429, None, "too many requests: {MAX_PENDING_MESSAGES:,} messages of the account are waiting already"
    ),
} | {key: Answer(*row) for key, row in (*campaign_texts.ROWS.items(), *audience_texts.ROWS.items())}
"""By the core's code and the call (method and resource); a row for `ANY_CALL` serves the calls without their own."""

MAIL_BODY_ANSWERS: dict[type[BadBody], Answer] = {
    BodyTooLarge: Answer(413, None, "content too large"),
    UnknownEncoding: Answer(415, None, "Content-Encoding should be gzip."),
    NotUtf8: Answer(415, None, "Invalid UTF8 in request"),
    NotJson: Answer(400, None, "Bad Request"),
    TooDeep: Answer(400, None, f"The request body is nested more than {MAX_DEPTH} levels deep."),
}
BODY_ANSWERS = MAIL_BODY_ANSWERS | {NotJson: Answer(400, None, "request body is invalid JSON")}
CAMPAIGN_BODY_ANSWERS = BODY_ANSWERS | {NotJson: Answer(400, None, campaign_texts.CAMPAIGN_JSON)}

HTTP_ANSWERS: dict[int, str] = {
    400: "Bad Request",
    401: "authorization required",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    413: "content too large",
    414: "query string too long",
    415: "Content-Type should be application/json.",
    429: "too many requests",
    500: "internal server error",
    503: "service unavailable",
}

MAIL_CALLER_ANSWERS: dict[type[CallerRefused], Answer] = {
    NoCredentials: Answer(401, None, "Permission denied, wrong credentials"),
    UnknownCredentials: Answer(401, None, "The provided authorization grant is invalid, expired, or revoked"),
    ScopeMissing: Answer(401, None, "Authenticated user is not authorized to send mail"),
}
"""The texts of mail/send for a caller that is not let in, where they differ from those of the other calls."""

NO_IDEMPOTENCY_KEY = Problem(
    "An API key is shown once and never again, so this call takes no Idempotency-Key."  # ours
)


def plain_refusal(status: int) -> Refusal:
    """The refusal that says no more than its status does."""
    return Refusal(status, Problem(HTTP_ANSWERS[status]))


def answer_for(error: Exception, call: str) -> Refusal | None:
    """The refusal an exception stands for in a call such as `GET mail/batch`; None: it is a fault of ours."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, SluiceError):
        return core_refusal(error, call)
    if isinstance(error, CallerRefused):
        own = MAIL_CALLER_ANSWERS.get(type(error)) if call == MAIL_SEND else None
        return Refusal(own.status, Problem(own.message)) if own else plain_refusal(error.status)
    if isinstance(error, BadBody):
        answer = body_answers(call)[type(error)]
        return Refusal(answer.status, Problem(answer.message, answer.field))
    if isinstance(error, OperationalError | InterfaceError):
        # The database is away. Whether a commit came through is not known: the caller may ask again.
        return plain_refusal(503)
    if isinstance(error, drf.APIException):
        return plain_refusal(error.status_code) if error.status_code in HTTP_ANSWERS else plain_refusal(400)
    return None


def body_answers(call: str) -> dict[type[BadBody], Answer]:
    """The words for a body that cannot be read, which not all families share."""
    if call == MAIL_SEND:
        return MAIL_BODY_ANSWERS
    resource = call.partition(" ")[2]
    if text := audience_texts.JSON_TEXTS.get(resource):
        return BODY_ANSWERS | {NotJson: Answer(400, None, text)}
    return CAMPAIGN_BODY_ANSWERS if resource in campaign_texts.CAMPAIGN_RESOURCES else BODY_ANSWERS


def core_refusal(error: SluiceError, call: str) -> Refusal:
    if said := campaign_texts.said_of(error, call) or audience_texts.said_of(error):
        return Refusal(400, *(Problem(message, field, error_id=error.code) for field, message in said))
    own = CORE_ANSWERS.get((error.code, campaign_texts.narrowed(error, call)))
    answer = own or CORE_ANSWERS[error.code, ANY_CALL]
    field = error.field if answer.field == ITS_OWN else answer.field
    return Refusal(answer.status, Problem(fill_in(answer.message, error), field, answer.help, error.code))


def fill_in(message: str, error: SluiceError) -> str:
    scopes = " ".join(error.scopes) if isinstance(error, ScopesNotGrantable) else ""
    # A number in JSON may have thousands of digits.
    ids = ", ".join(str(each)[:20] for each in error.ids) if isinstance(error, UnknownGroup) else ""
    return message.format(
        API_KEYS_LIMIT=settings.API_KEYS_LIMIT,
        CAMPAIGNS_LIMIT=settings.CAMPAIGNS_LIMIT,
        CUSTOM_FIELDS_LIMIT=settings.CUSTOM_FIELDS_LIMIT,
        MAX_MESSAGE_BYTES=settings.MAX_MESSAGE_BYTES,
        MAX_PENDING_MESSAGES=settings.MAX_PENDING_MESSAGES,
        SEARCH_SECONDS=settings.SEARCH_SECONDS,
        SENDERS_LIMIT=settings.SENDERS_LIMIT,
        said=error,
        scopes=scopes,
        ids=ids,
        **campaign_texts.words_of(error),
    )
