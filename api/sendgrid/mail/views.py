"""POST mail/send, and the ids of batches.

mail/send is a plain function, because a single message costs little more than the framework around it; all others are
REST framework views.
"""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, re_path
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import RecalledKey
from accounts.models import Account
from api import idempotency
from api.caller import NoCredentials, bearer_text, find_sender, recall_sender
from api.http import BadBody
from api.sendgrid import errors
from api.sendgrid.errors import Refusal
from api.sendgrid.mail.inputs import MailRequest, read_mail
from api.sendgrid.outputs import json_response
from batches.handles import find_batch
from foundation.errors import SluiceError
from foundation.prepared import check_connection
from foundation.responses import accept_methods
from mailer.pipeline.accept import accept_mail, check_draft


def accepted(message_id: str) -> HttpResponse:
    """202 of mail/send: no body, the mail's id in a header."""
    return HttpResponse(
        status=202,
        content_type="text/plain; charset=utf-8",
        headers={"X-Message-Id": message_id, "Content-Length": "0"},
    )


def sandboxed() -> HttpResponse:
    """200 of mail/send in sandbox mode: it would have been accepted, and nothing was stored."""
    return HttpResponse(status=200, content_type="text/plain; charset=utf-8", headers={"Content-Length": "0"})


def refused(refusal: Refusal) -> HttpResponse:
    """The envelope of mail/send: message, field, help, in that order."""
    errors = [{"message": found.message, "field": found.field, "help": found.help} for found in refusal.problems]
    return json_response(refusal.status, {"errors": errors})


@csrf_exempt
@accept_methods("POST", refuse=lambda: refused(errors.plain_refusal(405)))
def mail_send(request: HttpRequest) -> HttpResponse:
    """POST /v3/mail/send. Mail belongs to the key's account: `On-Behalf-Of` says nothing here."""
    try:
        return answer_mail(request)
    except Exception as error:
        refusal = errors.answer_for(error, errors.MAIL_SEND)
        if refusal is None:
            raise
        return refused(refusal)


def answer_mail(request: HttpRequest) -> HttpResponse:
    """Who asks, and what. Raises what `errors.answer_for` knows."""
    bearer = bearer_text(request)
    if bearer is None:
        raise NoCredentials
    # With an Idempotency-Key more than the statement that stores needs the key.
    recalled = None if idempotency.has_key(request) else recall_sender(bearer)
    if recalled is not None:
        return answer_recalled(request, bearer, recalled)
    key = find_sender(bearer)
    if idempotency.has_key(request):
        asked = idempotency.asked_by(request, key.account)
        return idempotency.do_in_one_transaction(asked, lambda: send(key.account, read_mail(request, key.found_at)))
    return send(key.account, read_mail(request, key.found_at))


def answer_recalled(request: HttpRequest, bearer: str, recalled: RecalledKey) -> HttpResponse:
    """A caller that was here a moment ago: the statement that stores asks for the key itself, which saves a round trip.

    Whatever is not simply stored is answered by who has found the key: nobody else is told what is wrong.
    """
    check_connection()
    asked: MailRequest | Exception
    try:
        asked = read_mail(request, recalled.now)
    except (errors.Refusal, BadBody) as error:
        asked = error
    if isinstance(asked, MailRequest) and not asked.is_sandboxed:
        with suppress(SluiceError):
            return accepted(accept_mail(recalled.key.account, asked.draft, recalled=recalled.key).public_id)
    key = find_sender(bearer)
    if isinstance(asked, Exception):
        raise asked
    return send(key.account, asked)


def send(account: Account, asked: MailRequest) -> HttpResponse:
    """Accepted and committed, or, in the sandbox, only looked at."""
    if not asked.is_sandboxed:
        return accepted(accept_mail(account, asked.draft).public_id)
    check_draft(account, asked.draft)
    if asked.draft.batch_id is not None:
        find_batch(account, asked.draft.batch_id)
    return sandboxed()


urlpatterns: list[URLPattern] = [
    re_path(r"^mail/send/?$", mail_send),
]
