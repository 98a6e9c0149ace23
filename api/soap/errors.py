"""Turn errors into faults, if the whole call is not carried out, or into the code and text of a result.

A result is about one object, and the call goes on with the others. Every fault has HTTP status 500, even if the client
is to blame, because clients of this API lose the text of any other status.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import InterfaceError, OperationalError

from api.caller import CallerRefused, RateExceeded, ScopeMissing, seconds_to_wait
from api.campaign_words import Dialect, word_for
from api.http import BadBody
from api.soap.codes import LOGIN_FAILED, TOKEN_EXPIRED, TOO_MANY_REQUESTS, UNREADABLE, Code
from api.soap.tokens import ExpiredToken
from campaigns.errors import CampaignConflict, InvalidContent, Need, NotReady, UnknownPart
from foundation.errors import SluiceError


class FaultKind(enum.Enum):
    """The party that is to blame for a fault. Except for the first one, the value is SOAP 1.1's name for it."""

    SECURITY = "Security"
    CLIENT = "Client"
    SERVER = "Server"


class Fault(Exception):
    """The answer to a call that is not carried out. Only faults that Sluice defines have a `code`."""

    def __init__(
        self, kind: FaultKind, text: str, *, code: Code | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(kind, text)
        self.kind = kind
        self.text = text
        self.code = code
        self.headers = dict(headers or {})


class Problem(Exception):
    """An error of one object of a call."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Answer:
    """A row of the table.

    Its text may name `{send}` (the ID), `{participle}` (the participle of the action), `{error}` (the core's text),
    `{status}` (the status of a conflict) and `{limit}` (the value of the setting in the third column).
    """

    code: Code
    text: str
    limit: str = ""


FALLBACK: Final = Answer(Code.EXCEPTION, "This cannot be done: {error}")
"""The row for errors that no call of this API should raise."""

CORE_ANSWERS: Final[Mapping[str, Answer]] = {
    "unknown_campaign": Answer(Code.UNKNOWN_SEND, "Send {send} not found"),
    "campaign_conflict": Answer(Code.SEND_STATUS, "Send {send} cannot be {participle}: status is {status}"),
    "transition_in_progress": Answer(
        Code.SEND_STATUS, "Send {send} cannot be {participle}: another change of it is in progress; try again"
    ),
    "not_ready": Answer(Code.INVALID_EMAIL, "The email failed validation: {error}"),
    "invalid_content": Answer(Code.INVALID_EMAIL, "The email failed validation: {error}"),
    "time_is_past": Answer(Code.SEND_DATE, "SendDate has passed"),
    "unknown_part": Answer(
        Code.JOB_CREATION, "The send refers to a list, sender or email that the account does not have"
    ),
    "unknown_sender": Answer(Code.SENDER, "The account has no verified sender of that FromAddress and FromName"),
    "unverified_sender": Answer(Code.SENDER, "The sender's address is not verified"),
    "two_unsubscribe_links": Answer(
        Code.INVALID_EMAIL, "The email has both an unsubscribe group and an unsubscribe link"
    ),
    "campaign_limit_reached": Answer(
        Code.JOB_CREATION, "The account cannot have more than {limit} sends", "CAMPAIGNS_LIMIT"
    ),
    "unfit_character": Answer(Code.INVALID_EMAIL, "The email failed validation: {error}"),
    "message_too_large": Answer(
        Code.INVALID_EMAIL, "A message of the email could exceed {limit} bytes", "MAX_MESSAGE_BYTES"
    ),
    "too_many_calls": Answer(Code.RATE_LIMITED, "{error}; try again"),
    "invalid_contact": Answer(Code.LIST_CREATION, "The list failed to be created: {error}"),
    "invalid_name": Answer(Code.LIST_CREATION, "The list failed to be created: {error}"),
    "name_taken": Answer(Code.LIST_CREATION, "The list failed to be created: {error}"),
    "unknown_list": Answer(Code.LIST_REQUIRED, "The account does not have all of these lists"),
    "unknown_subuser": Answer(Code.NOT_AUTHORIZED, "On-Behalf-Of does not name a subuser of the account"),
    # The original has no such keys, so these texts are ours.
    "bad_idempotency_key": Answer(Code.EXCEPTION, "The Idempotency-Key must be 1 to 255 visible ASCII characters"),
    "idempotency_key_reused": Answer(Code.EXCEPTION, "This Idempotency-Key was used for another request"),
    "idempotency_in_progress": Answer(Code.EXCEPTION, "A request with this Idempotency-Key is under way; try again"),
}
"""The rows by the core's code."""

MISSING: Final = {
    Need.AUDIENCE: Code.LIST_REQUIRED,
    Need.CONTENT: Code.EMAIL_REQUIRED,
    Need.SENDER: Code.SENDER,
    Need.SENDER_VERIFICATION: Code.SENDER,
}
"""The codes for what is missing from a send, where the API has a specific code for it. The first one counts."""
PARTS: Final = {
    "sender": Answer(Code.SENDER, "The account has no such sender"),
    "lists": Answer(Code.LIST_REQUIRED, "The account does not have all of these lists"),
}
TEXTS: Final = {"subject": "Subject", "html_content": "HTMLBody", "plain_content": "TextBody"}
"""The properties of the texts of a send."""


def problem_of(error: Exception, *, send: object = "", participle: str = "changed") -> Problem | None:
    """Return the problem for an error of one object, or None if the call itself has failed."""
    if isinstance(error, Problem):
        return error
    if not isinstance(error, SluiceError):
        return None
    answer = CORE_ANSWERS.get(error.code, FALLBACK)
    code, text = answer.code, answer.text
    status = word_for(error.status, Dialect.SOAP) if isinstance(error, CampaignConflict) else ""
    if isinstance(error, NotReady):
        code = next((MISSING[need] for need in error.missing if need in MISSING), code)
    if isinstance(error, UnknownPart):
        code, text = next(((row.code, row.text) for name, row in PARTS.items() if name in error.fields), (code, text))
    shown = error.text_with(TEXTS.get(error.field or "")) if isinstance(error, InvalidContent) else str(error)
    limit = getattr(settings, answer.limit) if answer.limit else ""
    return Problem(code, text.format(send=send, participle=participle, error=shown, status=status, limit=limit))


def fault_of(error: Exception) -> Fault | None:
    """Return the fault for an error of a whole call, or None for a fault of ours that nobody foresaw."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, CallerRefused):
        return caller_fault(error)
    if isinstance(error, BadBody):
        return Fault(FaultKind.CLIENT, UNREADABLE)
    if isinstance(error, OperationalError | InterfaceError):
        # Whether a commit came through is not known: the caller may ask again.
        return Fault(FaultKind.SERVER, "The database is away; try again.", code=Code.DATABASE)
    problem = problem_of(error)
    return Fault(FaultKind.CLIENT, problem.text) if problem else None


def caller_fault(error: CallerRefused) -> Fault:
    """Return the fault for a refused caller. Its text does not reveal which part of the credentials is wrong."""
    if isinstance(error, RateExceeded):
        wait = str(seconds_to_wait(error.allowance))
        return Fault(FaultKind.CLIENT, TOO_MANY_REQUESTS, headers={"Retry-After": wait})
    if isinstance(error, ScopeMissing):
        return Fault(FaultKind.CLIENT, f"The key does not have the scope {error.scopes[0]}. Request was denied.")
    return Fault(FaultKind.SECURITY, TOKEN_EXPIRED if isinstance(error, ExpiredToken) else LOGIN_FAILED)


def cannot_perform(method: str, kind: str) -> Problem:
    """Return the problem of an object whose type does not have the method."""
    return Problem(Code.CANNOT_PERFORM, f"Cannot perform {method} on objects of type {kind}")


def unsupported_type(kind: str | None) -> Problem:
    """Return the problem of an object of a type that Sluice does not have."""
    return Problem(Code.UNSUPPORTED_TYPE, f"This operation does not support the APIObject of type {kind or 'unknown'}")


def no_object(index: int) -> Problem:
    """Return the problem of an object that is nil."""
    return Problem(Code.NO_OBJECT, f"No object specified at 0-based index {index}")
