"""SendGrid's endpoints: who asks, what is asked, one call of the core, the answer.

mail/send is a plain function, because a single message costs little more than the framework around it; the others are
REST framework views.
"""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys
from accounts.models import Account, ApiKey
from accounts.rates import count_request
from accounts.scopes import allows, spell_out
from api import idempotency
from api.auth import bearer_text
from api.endpoint import KeyEndpoint
from api.http import BadBody, receipt_headers
from api.idempotency import done_once, done_once_in_steps
from api.sendgrid import errors, outputs, schema
from api.sendgrid.inputs import resources
from api.sendgrid.inputs.mail import MailRequest, read_mail
from batches.control import StopLimits, create_batch, find_batch, is_usable, resume_batch, stop_batch, stopped_batches
from batches.errors import UnknownBatch
from batches.states import BatchStatus
from foundation.errors import SluiceError
from foundation.prepared import check_connection
from mailer.pipeline.accept import accept_mail

# From where this dialect allows a move. The core allows more; here an entry is made once, then changed or deleted.
MAY_BE_ENTERED = frozenset({BatchStatus.OPEN})
HAS_ENTRY = frozenset({BatchStatus.PAUSED, BatchStatus.CANCELLED})


@csrf_exempt
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
    if request.method != "POST":
        return outputs.mail_refused(errors.plain_refusal(405))
    bearer = bearer_text(request)
    if bearer is None:
        return outputs.mail_refused(errors.WRONG_CREDENTIALS)
    recalled = keys.recall_key(bearer) if may_be_recalled(request) else None
    if recalled is not None:
        return answer_recalled(request, bearer, recalled)
    key = find_sender(bearer)
    if isinstance(key, errors.Refusal):
        return outputs.mail_refused(key)
    if idempotency.has_key(request):
        asked = idempotency.asked_by(request, key.account)
        return idempotency.do_in_one_transaction(asked, lambda: send(key.account, read_mail(request, key.found_at)))
    return send(key.account, read_mail(request, key.found_at))


def find_sender(bearer: str) -> ApiKey | errors.Refusal:
    """The key of that text, or why it may not send now."""
    key = keys.find_key(bearer)
    if key is None:
        return errors.INVALID_GRANT
    if not allows(key.scopes, "mail.send"):
        return errors.MAY_NOT_SEND
    return errors.plain_refusal(429) if is_rate_exceeded(key) else key


def may_be_recalled(request: HttpRequest) -> bool:
    """Whether nothing but the statement that stores needs the key."""
    return not idempotency.has_key(request) and not settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE


def answer_recalled(request: HttpRequest, bearer: str, recalled: keys.RecalledKey) -> HttpResponse:
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
    if isinstance(key, errors.Refusal):
        return outputs.mail_refused(key)
    if isinstance(asked, Exception):
        raise asked
    return send(key.account, asked)


def is_rate_exceeded(key: ApiKey) -> bool:
    """Whether the key has asked too often in this minute. Unlike the others this endpoint has no headers for it."""
    allowance = count_request(key, kind="send", limit=settings.MAIL_SEND_RATE_LIMIT_PER_MINUTE)
    return allowance is not None and allowance.is_exceeded


def send(account: Account, asked: MailRequest) -> HttpResponse:
    """Accepted and committed, or, in the sandbox, only looked at."""
    if not asked.is_sandboxed:
        return outputs.accepted(accept_mail(account, asked.draft).public_id)
    if asked.draft.batch_id is not None:
        find_batch(account, asked.draft.batch_id)
    return outputs.sandboxed()


class Endpoint(KeyEndpoint):
    """An endpoint that refuses in SendGrid's words."""

    def handle_exception(self, exc: Exception) -> Response:
        refusal = errors.answer_for(exc, f"{self.request.method} {self.resource}")
        if refusal is None:
            raise exc
        headers = self.headers_of_refusal(refusal.status)
        return Response(outputs.envelope(refusal), status=refusal.status, headers=headers)


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


@schema.scheduled_sends
class ScheduledSends(Endpoint):
    resource = "scheduled_sends"
    scopes = {"POST": "user.scheduled_sends.create", "GET": "user.scheduled_sends.read"}

    def get(self, request: Request) -> Response:
        return Response([outputs.scheduled_send(each.public_id, each.status) for each in stopped_batches(self.account)])

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        asked = resources.read_stop(request)
        receipt = stop_batch(
            self.account,
            asked.batch_id,
            asked.status,
            actor=self.actor,
            allowed_from=MAY_BE_ENTERED,
            limits=StopLimits(
                places=settings.STOPPED_BATCHES_LIMIT, cutoff_seconds=settings.STOP_CUTOFF_SECONDS or None
            ),
        )
        body = outputs.scheduled_send(asked.batch_id, asked.status)
        return Response(body, status=201, headers=receipt_headers(receipt))


@schema.scheduled_send
class ScheduledSend(Endpoint):
    resource = "scheduled_sends"
    scopes = {
        "GET": "user.scheduled_sends.read",
        "PATCH": "user.scheduled_sends.update",
        "DELETE": "user.scheduled_sends.delete",
    }

    def get(self, request: Request, batch_id: str) -> Response:
        """A list of one, or of none when the batch has no status."""
        found = stopped_batches(self.account).filter(public_id=batch_id)
        return Response([outputs.scheduled_send(each.public_id, each.status) for each in found])

    def patch(self, request: Request, batch_id: str) -> Response:
        status = resources.read_status(request)
        receipt = stop_batch(self.account, batch_id, status, actor=self.actor, allowed_from=HAS_ENTRY)
        return Response(status=204, headers=receipt_headers(receipt))

    def delete(self, request: Request, batch_id: str) -> Response:
        receipt = resume_batch(self.account, batch_id, actor=self.actor, allowed_from=HAS_ENTRY)
        return Response(status=204, headers=receipt_headers(receipt))


@schema.api_keys
class ApiKeys(Endpoint):
    resource = "api_keys"
    scopes = {"POST": "api_keys.create", "GET": "api_keys.read"}

    def get(self, request: Request) -> Response:
        found = keys.living_keys(self.account)[: resources.read_limit(request)]
        return Response({"result": [outputs.key_line(key) for key in found]})

    def post(self, request: Request) -> Response:
        if idempotency.has_key(request):
            # Its answer could not be kept: a secret is told once, and never stored.
            raise errors.Refusal(400, errors.NO_IDEMPOTENCY_KEY)
        asked = resources.read_new_key(request)
        key, text = keys.create_key(self.account, asked.name, asked.scopes, giver=self.key.scopes)
        return Response(outputs.new_key(key, text), status=201)


@schema.one_api_key
class OneApiKey(Endpoint):
    resource = "api_keys"
    scopes = {
        "GET": "api_keys.read",
        "PUT": "api_keys.update",
        "PATCH": "api_keys.update",
        "DELETE": "api_keys.delete",
    }

    def get(self, request: Request, key_id: str) -> Response:
        return Response(outputs.key_details(keys.get_key(self.account, key_id)))

    def put(self, request: Request, key_id: str) -> Response:
        name, scopes = resources.read_whole_key(request)
        key = keys.replace_scopes(self.account, key_id, name, scopes, giver=self.key.scopes)
        return Response(outputs.key_details(key))

    def patch(self, request: Request, key_id: str) -> Response:
        key = keys.rename_key(self.account, key_id, resources.read_key_name(request))
        return Response(outputs.key_name(key))

    def delete(self, request: Request, key_id: str) -> Response:
        keys.revoke_key(self.account, key_id)
        return Response(status=204)


@schema.scopes
class Scopes(Endpoint):
    """What the calling key may do. Any key may ask."""

    resource = "scopes"
    scopes = {"GET": None}

    def get(self, request: Request) -> Response:
        return Response({"scopes": spell_out(self.key.scopes)})


@csrf_exempt
def not_found(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """Every path below /v3 that is none; serves as the site's handler404 there too."""
    return outputs.refused(errors.plain_refusal(404))


def bad_request(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler400 below /v3."""
    return outputs.refused(errors.plain_refusal(400))


def server_error(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
    """handler500 below /v3."""
    return outputs.refused(errors.plain_refusal(500))
