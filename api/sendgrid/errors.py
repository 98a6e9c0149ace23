"""Answer errors in SendGrid's words: status, field and message.

Each family of calls has a table (`Answers`) of the errors of the core that its calls can raise, beside its views.
`COMMON` has the errors that every call can raise, and `OTHERWISE` answers every other error of the core with the text
of the error. A new error of the core needs a row only where SendGrid has words for it.

`answer_for` turns an exception into a `Refusal`, which the view writes down in the envelope of its family.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django.conf import settings

from api import errors
from api.errors import ANY_CALL, ITS_OWN, ErrorTable
from api.http import MAX_DEPTH, BadBody, BodyTooLarge, NotJson, NotUtf8, TooDeep, UnknownEncoding
from foundation.errors import SluiceError

BAD_JSON: Final = "request body is invalid JSON"


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry of an `errors` array. `help` is written on mail/send only, `error_id` below /v3/marketing."""

    message: str
    field: str | None = None
    help: str | None = None
    error_id: str | None = None


class Refusal(errors.Refusal):
    """The answer to a request that is not carried out."""

    def __init__(self, status: int, *problems: Problem) -> None:
        super().__init__(status, *problems)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to an error. `message` is a format string that may name `error` and `settings`."""

    status: int
    field: str | None
    message: str
    help: str | None = None

    def __call__(self, error: Exception | None) -> Refusal:
        """Return the refusal for this error."""
        own_field = error.field if isinstance(error, SluiceError) else None
        field = own_field if self.field == ITS_OWN else self.field
        return Refusal(self.status, Problem(self.message.format(error=error, settings=settings), field, self.help))


Answers = Mapping[str, Callable[[Any], Refusal]]
"""The answers of a family by the core's error codes. A key such as `DELETE unknown_key` is for one method."""

COMMON: Final[Answers] = {
    "unknown_subuser": Answer(403, None, "access forbidden"),
    # SendGrid has neither keys nor limits of this kind: these texts are ours.
    "bad_idempotency_key": Answer(400, None, "The Idempotency-Key must be 1 to 255 visible ASCII characters."),
    "idempotency_key_reused": Answer(400, None, "This Idempotency-Key was used for a request with another body."),
    "idempotency_in_progress": Answer(409, None, "A request with this Idempotency-Key is under way; try again."),
    "search_too_slow": Answer(408, None, "the search took longer than {settings.SEARCH_SECONDS:g} seconds"),
    "message_too_large": Answer(
        413, ITS_OWN, "A message may not exceed {settings.MAX_MESSAGE_BYTES:,} bytes with its substitutions made."
    ),
    "too_many_calls": Answer(429, None, "too many requests: {error}"),
    "too_many_jobs": Answer(429, None, "too many requests: {error}"),
    "uploads_full": Answer(429, None, "too many requests: {error}"),
    "queue_full": Answer(
        429, None, "too many requests: {settings.MAX_PENDING_MESSAGES:,} messages of the account are waiting already"
    ),
}
OTHERWISE: Final = Answer(400, ITS_OWN, "{error}")

BODY_ANSWERS: Final[Mapping[type[BadBody], Answer]] = {
    BodyTooLarge: Answer(413, None, "content too large"),
    UnknownEncoding: Answer(415, None, "Content-Encoding should be gzip."),
    NotUtf8: Answer(415, None, "Invalid UTF8 in request"),
    TooDeep: Answer(400, None, f"The request body is nested more than {MAX_DEPTH} levels deep."),
}

HTTP_ANSWERS: Final[dict[int, str]] = {
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


def plain_refusal(status: int) -> Refusal:
    """Return the refusal that says no more than its status does."""
    return Refusal(status, Problem(HTTP_ANSWERS[status]))


class SendGridErrors(ErrorTable[Callable[[Any], Refusal], Refusal]):
    """The answers of a family. They are found by the core's code and the method of the request."""

    def refuse(self, row: Callable[[Any], Refusal], error: Exception | None = None, **values: Any) -> Refusal:
        """Return the refusal of a row. The code of a core error becomes the `error_id` of its problems."""
        refusal = row(error)
        if not isinstance(error, SluiceError):
            return refusal
        return Refusal(refusal.status, *(replace(problem, error_id=error.code) for problem in refusal.problems))


def answer_for(
    error: Exception, answers: Answers | None = None, *, method: str = "", bad_json: str = BAD_JSON
) -> Refusal | None:
    """Return the refusal that answers an exception, or None for a fault of ours.

    `answers` are those of the family, `bad_json` is its text for a body that is not JSON.
    """
    table = SendGridErrors(
        core=by_method({**COMMON, **(answers or {})}),
        fallback=OTHERWISE,
        bodies={**BODY_ANSWERS, NotJson: Answer(400, None, bad_json)},
        http={status: Answer(status, None, text) for status, text in HTTP_ANSWERS.items()},
    )
    return table.answer_for(error, method)


def by_method(answers: Answers) -> dict[tuple[str, str], Callable[[Any], Refusal]]:
    """Return the answers by code and method."""
    keys = {key: key.rpartition(" ") for key in answers}
    return {(code, method or ANY_CALL): answers[key] for key, (method, _, code) in keys.items()}
