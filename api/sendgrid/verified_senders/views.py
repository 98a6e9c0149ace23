"""Answer the calls for verified senders: the senders of campaigns, in another form."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import Needed, campaign_scopes
from api.idempotency import done_once
from api.sendgrid.campaigns.errors import BAD_JSON
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Refusal
from api.sendgrid.senders.inputs import read_sender_id
from api.sendgrid.senders.views import ANSWERS as SENDER_ANSWERS
from api.sendgrid.verified_senders import inputs, outputs, schema
from campaigns import senders
from campaigns.models import Sender

REQUIRED: Final = ("nickname", "from_email", "reply_to")
"""The parts of a sender that this API requires. A campaign needs a name, too; it may be the campaign's own."""

ANSWERS: Final[Answers] = {
    **SENDER_ANSWERS,
    "unknown_sender": Answer(404, None, "resource not found"),
    "unknown_link": Answer(404, None, "resource not found"),
    "sender_locked": Answer(403, None, "You may only update a sender identity when it is unlocked."),
    "DELETE sender_locked": Answer(403, None, "You may only delete a sender identity when it is unlocked."),
}


def needing(**verbs: str) -> Needed:
    """Return the scopes that the methods need: those of sender authentication, or those of campaigns."""
    return {method: (f"whitelabel.{verb}", *campaign_scopes(verb)) for method, verb in verbs.items()}


class SenderEndpoint(Endpoint):
    """An endpoint of verified senders."""

    bad_json = BAD_JSON
    answers = ANSWERS

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return outputs.envelope(refusal)


def answer_with(sender: Sender, status: int = 200) -> Response:
    return Response(outputs.senders([sender])[0], status=status)


@schema.senders
class VerifiedSenders(SenderEndpoint):
    scopes = needing(GET="read", POST="create")

    def get(self, request: Request) -> Response:
        window = inputs.read_window(request)
        rows = senders.list_senders(self.account).filter(pk__gt=window.after)
        if window.number is not None:
            rows = rows.filter(pk=window.number)
        return Response({"results": outputs.senders(rows[: window.limit])})

    @done_once
    def post(self, request: Request) -> Response:
        return answer_with(senders.create_sender(self.account, required=REQUIRED, **inputs.read_parts(request)), 201)


@schema.one_sender
class OneVerifiedSender(SenderEndpoint):
    scopes = needing(PATCH="update", DELETE="delete")

    def patch(self, request: Request, sender_id: str) -> Response:
        number = read_sender_id(sender_id)
        return answer_with(senders.update_sender(self.account, number, required=REQUIRED, **inputs.read_parts(request)))

    def delete(self, request: Request, sender_id: str) -> Response:
        senders.delete_sender(self.account, read_sender_id(sender_id))
        return Response(status=204)


@schema.resend
class Resend(SenderEndpoint):
    scopes = needing(POST="create")

    @done_once
    def post(self, request: Request, sender_id: str) -> Response:
        senders.resend_verification(self.account, read_sender_id(sender_id))
        return Response(status=204)


@schema.verify
class Verify(SenderEndpoint):
    """Verify a sender for a caller with the token. Unlike a program that opens links, the caller also has a key."""

    scopes = needing(GET="update")

    def get(self, request: Request, token: str) -> Response:
        senders.verify_sender(token, account=self.account)
        return Response(status=204)


@schema.domains
class Domains(SenderEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        return Response({"results": outputs.DMARC_DOMAINS})


@schema.steps_completed
class StepsCompleted(SenderEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        is_verified = senders.list_verified(self.account).exists()
        return Response(
            {"results": {"sender_verified": is_verified, "domain_verified": bool(settings.VERIFIED_DOMAINS)}}
        )


SENDER_ID = r"(?P<sender_id>[^/\0]{1,200})"
TOKEN = r"(?P<token>[A-Za-z0-9_:=-]{20,700})"

urlpatterns: list[URLPattern] = [
    re_path(r"^verified_senders/?$", VerifiedSenders.as_view()),
    re_path(r"^verified_senders/domains/?$", Domains.as_view()),
    re_path(r"^verified_senders/steps_completed/?$", StepsCompleted.as_view()),
    re_path(rf"^verified_senders/resend/{SENDER_ID}/?$", Resend.as_view()),
    re_path(rf"^verified_senders/verify/{TOKEN}/?$", Verify.as_view()),
    re_path(rf"^verified_senders/{SENDER_ID}/?$", OneVerifiedSender.as_view()),
]
