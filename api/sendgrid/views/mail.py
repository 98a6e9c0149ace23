"""POST mail/send, and the ids of batches.

mail/send is a plain function, because a single message costs little more than the framework around it; all others are
REST framework views.
"""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.keys import RecalledKey
from accounts.models import Account
from api import idempotency
from api.caller import NoCredentials, bearer_text, find_sender, recall_sender
from api.http import BadBody
from api.idempotency import done_once
from api.sendgrid import errors, outputs
from api.sendgrid.inputs.mail import MailRequest, read_mail
from api.sendgrid.schema import mail as schema
from api.sendgrid.views.base import Endpoint
from batches.errors import UnknownBatch
from batches.handles import create_batch, find_batch, is_usable
from foundation.errors import SluiceError
from foundation.prepared import check_connection
from foundation.responses import accept_methods
from mailer.pipeline.accept import accept_mail, check_draft


@csrf_exempt
@accept_methods("POST", refuse=lambda: outputs.mail_refused(errors.plain_refusal(405)))
def mail_send(request: HttpRequest) -> HttpResponse:
    """POST /v3/mail/send. Mail belongs to the key's account: `On-Behalf-Of` says nothing here."""
    try:
        return answer_mail(request)
    except Exception as error:
        refusal = errors.answer_for(error, errors.MAIL_SEND)
        if refusal is None:
            raise
        return outputs.mail_refused(refusal)


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
            return outputs.accepted(accept_mail(recalled.key.account, asked.draft, recalled=recalled.key).public_id)
    key = find_sender(bearer)
    if isinstance(asked, Exception):
        raise asked
    return send(key.account, asked)


def send(account: Account, asked: MailRequest) -> HttpResponse:
    """Accepted and committed, or, in the sandbox, only looked at."""
    if not asked.is_sandboxed:
        return outputs.accepted(accept_mail(account, asked.draft).public_id)
    check_draft(account, asked.draft)
    if asked.draft.batch_id is not None:
        find_batch(account, asked.draft.batch_id)
    return outputs.sandboxed()


@schema.mail_batches
class MailBatches(Endpoint):
    resource = "mail/batch"
    scopes = {"POST": "mail.batch.create"}

    @done_once
    def post(self, request: Request) -> Response:
        return Response(outputs.batch(create_batch(self.account)), status=201)


@schema.mail_batch
class MailBatch(Endpoint):
    resource = "mail/batch"
    scopes = {"GET": "mail.batch.read"}

    def get(self, request: Request, batch_id: str) -> Response:
        batch = find_batch(self.account, batch_id)
        if not is_usable(batch):
            raise UnknownBatch
        return Response(outputs.batch(batch))
