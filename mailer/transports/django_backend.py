"""Send mail through any Django e-mail backend, and so through every provider that django-anymail supports.

A backend blocks, and cannot be interrupted. So it runs in a separate thread, while this thread polls the guard. A stop
waits until the call that is under way has ended (give the backend a time-out), and no other call is begun.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

from anymail.exceptions import (
    AnymailAPIError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address

from mailer.transports.base import (
    POLL_SECONDS,
    Envelope,
    Guard,
    InDoubt,
    NotSent,
    Outcome,
    Refused,
    Result,
    RetryAt,
    Sent,
    Signal,
    Usage,
    begun_as,
)
from mailer.transports.checking import CheckedTransport, is_safe_address
from mailer.transports.django_message import EnvelopeMessage
from mailer.transports.reply_times import ReplyTimes
from mailer.transports.smtp.verdicts import PeerBroken, Stage, judge

GATE_CLOSED = "the gate closed before it was begun"
TEXT_LIMIT = 500

NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
NEVER_SENT_NAMES = frozenset(
    {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ConnectTimeout", "EndpointConnectionError"}
)
"""The names of errors of the same kind in urllib3, requests and botocore, which providers may install."""

REFUSALS = (
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailSerializationError,
    AnymailUnsupportedFeature,
)

T = TypeVar("T")


class DjangoBackendTransport(CheckedTransport):
    """A Transport (see base.py) over Django's e-mail API."""

    def __init__(self, backend: str) -> None:
        """Import a backend by its dotted path, as in EMAIL_BACKEND.

        Raises ImportError or ImproperlyConfigured for a bad one.
        """
        self._backend: Any = get_connection(backend)
        self._is_provider = hasattr(self._backend, "esp_name")
        self._is_open = False
        self._is_busy = False
        self._replies = ReplyTimes()
        self._error = ""
        self._error_at: float | None = None

    @property
    def capacity(self) -> int:
        return 1

    @property
    def is_encrypted(self) -> bool | None:
        """Return whether the backend encrypts. Its settings show it: the backend demands TLS or never uses it."""
        if isinstance(self._backend, SmtpBackend):
            return bool(self._backend.use_tls or self._backend.use_ssl)
        url = getattr(self._backend, "api_url", None)
        return urlsplit(url).scheme.lower() == "https" if isinstance(url, str) else None

    def measure(self, since: float | None = None) -> Usage:
        p50, p95 = self._replies.percentiles() or (None, None)
        replied_at = self._replies.replied_at
        is_used = self._is_busy or (since is not None and replied_at is not None and replied_at >= since)
        return Usage(
            connections=int(self._is_open),
            used=int(is_used),
            replied_at=replied_at,
            reply_p50=p50,
            reply_p95=p95,
            error=self._error,
            error_at=self._error_at,
        )

    def send_checked(self, envelopes: Sequence[Envelope], guard: Guard, may_take: Callable[[], bool]) -> list[Result]:
        results: list[Result] = []
        is_over = False
        for envelope in envelopes:
            is_over = is_over or guard.poll() is Signal.GIVE_UP or not may_take()
            outcomes = for_all(envelope, NotSent(GATE_CLOSED)) if is_over else self._send(envelope, guard)
            results.append(Result(envelope.message_id, outcomes, envelope.recipients))
            guard.note_result(results[-1])
        self._close_backend(guard)
        return results

    def close(self) -> None:
        """End the thread. No connection is kept between slices: testing whether it still works would risk doubt."""
        self._thread.shutdown()

    @cached_property
    def _thread(self) -> ThreadPoolExecutor:
        """Return the thread that sends, made at first use, after the fork.

        It is always the same thread, so that it opens at most one database connection.
        """
        return ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail-backend")

    def _send(self, envelope: Envelope, guard: Guard) -> tuple[Outcome, ...]:
        try:
            message = EnvelopeMessage(envelope, is_for_provider=self._is_provider)
            for address in (*message.recipients(), message.from_email):
                sanitize_address(address, "utf-8")
            if not all(map(is_safe_address, (envelope.sender, *envelope.recipients))):
                raise ValueError
        except Exception as unreadable:  # of any kind: it must not stop the other messages
            reply = f"554 5.6.0 the backend cannot send this ({type(unreadable).__name__})"
            return for_all(envelope, Refused(reply, is_ours=True))
        if not self._is_open and (error := self._call(self._backend.open, guard).exception()):
            self._note_failure(error)
            return for_all(envelope, NotSent(f"no connection: {words_of(error)}"))
        self._is_open = True
        if not (guard.may_begin() and guard.note_begun(begun_as(envelope))):
            return for_all(envelope, NotSent(GATE_CLOSED))
        begun_at, self._is_busy = monotonic(), True
        answer = self._call(lambda: self._backend.send_messages([message]), guard)
        self._is_busy = False
        if error := answer.exception():
            self._close_backend(guard)
            self._note_failure(error)
            return judge_error(error, envelope)
        self._replies.end(begun_at)
        return judge_answer(message, answer.result(), envelope)

    def _note_failure(self, error: BaseException) -> None:
        self._error, self._error_at = words_of(error), monotonic()

    def _close_backend(self, guard: Guard) -> None:
        """Close the backend. Whether that succeeds does not matter: no message depends on it any more."""
        if self._is_open:
            self._is_open = False
            self._call(self._backend.close, guard)

    def _call(self, work: Callable[[], T], guard: Guard) -> Future[T]:
        """Do the work in the thread while the guard is polled here.

        A GIVE_UP changes nothing: work that has begun is awaited.
        """
        answer = self._thread.submit(work)
        try:
            while not wait([answer], POLL_SECONDS).done:
                guard.poll()
        finally:
            wait([answer])  # even if the guard raises: no message may be sent after this returns
        return answer


def for_all(envelope: Envelope, outcome: Outcome) -> tuple[Outcome, ...]:
    return (outcome,) * len(envelope.recipients)


def judge_answer(message: EnvelopeMessage, count: int | None, envelope: Envelope) -> tuple[Outcome, ...]:
    """Return the outcomes of a message. `count` is the number of sent messages, which some backends do not return."""
    if count == 0:
        return for_all(envelope, Refused("the backend chose not to send it", is_ours=True))
    status = getattr(message, "anymail_status", None)
    statuses = {address.casefold(): item.status for address, item in status.recipients.items()} if status else {}
    return tuple(_judge_status(statuses.get(address.casefold())) for address in envelope.recipients)


def _judge_status(status: str | None) -> Outcome:
    """Return the outcome for a status that anymail gives a recipient."""
    if status in {"invalid", "rejected"}:
        return Refused(f"the provider says: {status}")
    if status == "failed":
        return RetryAt("the provider says: failed")
    return Sent(f"the provider says: {status}" if status else "")


def judge_error(error: BaseException, envelope: Envelope) -> tuple[Outcome, ...]:
    """Return the outcomes for an exception of `send_messages`: doubt, unless the exception is known to mean another."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answers = {address.casefold(): answer for address, answer in error.recipients.items()}
        unknown = next(iter(answers.values()))
        return tuple(
            _judge_code(
                *answers.get(address.casefold(), unknown),
                Stage.RCPT if address.casefold() in answers else Stage.DATA,
            )
            for address in envelope.recipients
        )
    return for_all(envelope, _judge_error(error))


def _judge_error(error: BaseException) -> Outcome:
    if isinstance(error, (smtplib.SMTPConnectError, smtplib.SMTPHeloError, smtplib.SMTPAuthenticationError)):
        return NotSent(f"no connection: {words_of(error)}")
    if isinstance(error, smtplib.SMTPResponseException):
        stage = Stage.MAIL if isinstance(error, smtplib.SMTPSenderRefused) else Stage.DATA
        return _judge_code(error.smtp_code, error.smtp_error, stage)
    if isinstance(error, (smtplib.SMTPNotSupportedError, *REFUSALS)):
        return Refused(words_of(error), is_ours=not isinstance(error, AnymailRecipientsRefused))
    if isinstance(error, ImproperlyConfigured) or any(_was_never_sent(cause) for cause in _causes(error)):
        return NotSent(f"no connection: {words_of(error)}")
    if isinstance(error, AnymailAPIError) and isinstance(error.status_code, int):
        return _judge_http_status(error.status_code, words_of(error))
    return InDoubt(f"the backend failed while it was sending ({type(error).__name__})")


def _judge_code(code: int, text: bytes | str, stage: Stage) -> Outcome:
    """Return the outcome that an SMTP reply means, as smtplib keeps it.

    A complaint about a command is a temporary failure, since such complaints are not counted.
    """
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    reply = f"{code} {words}"[:TEXT_LIMIT]
    if code < 400:
        return InDoubt(reply)
    try:
        outcome = judge(reply.encode(), stage)
    except PeerBroken as broken:
        return NotSent(str(broken))
    return RetryAt(outcome.reason) if isinstance(outcome, NotSent) else outcome


def _judge_http_status(status: int, words: str) -> Outcome:
    """Return the outcome that an HTTP status means.

    401 is about our key and not about the message, so no attempt is used up.
    """
    if status == 401:
        return NotSent(words)
    if status in {408, 429} or status >= 500:
        return RetryAt(words)
    return Refused(words) if status >= 400 else InDoubt(words)


def _was_never_sent(error: BaseException) -> bool:
    return isinstance(error, NEVER_SENT) or type(error).__name__ in NEVER_SENT_NAMES


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes: `from`, an argument (requests) or a reason (urllib3)."""
    causes: list[BaseException] = [error]
    for current in causes:
        yield current
        for cause in (current.__cause__, getattr(current, "reason", None), *current.args):
            if isinstance(cause, BaseException) and cause not in causes:
                causes.append(cause)


def words_of(error: BaseException) -> str:
    """Return the text of the system or the provider. Other errors give only a name: their text may quote anything."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the peer refused the user name or password: {error.smtp_code}"
    if isinstance(error, AnymailError):
        return str(error.describe_response() or type(error).__name__)[:TEXT_LIMIT]
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:TEXT_LIMIT]
    return type(error).__name__
