"""Answer the calls for senders, which differ between the APIs only in the name of the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.campaigns.errors import BAD_JSON
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.senders import inputs, outputs, schema
from campaigns import senders
from campaigns.errors import InvalidSender, SenderProblem
from campaigns.models import Sender
from campaigns.senders import REQUIRED

LEGACY, MARKETING = "result", "results"


TEXTS: Final[Mapping[tuple[str, SenderProblem], str]] = {
    **{(part, SenderProblem.MISSING): f"{part} is required." for part in REQUIRED},
    ("from_email", SenderProblem.INVALID): "From email is not a valid email address.",
    ("reply_to", SenderProblem.INVALID): "Reply to email is not a valid email address.",
    ("nickname", SenderProblem.TAKEN): "You already have a sender identity with the same nickname.",
}


def invalid_sender(error: InvalidSender) -> Refusal:
    """Answer that values of a sender are missing or wrong, each by its name."""
    return Refusal(
        400, *(Problem(TEXTS.get((part, problem), f"{part} is not valid."), part) for part, problem in error.wrong)
    )


ANSWERS: Final[Answers] = {
    "invalid_sender": invalid_sender,
    "unknown_sender": Answer(404, "id", "resource not found"),
    "sender_limit_reached": Answer(
        400,
        None,
        "You've reached your limit of {settings.SENDERS_LIMIT} sender identities. Please delete one or more and try "
        "again.",
    ),
    "sender_locked": Answer(403, "locked", "You may only update a sender identity when it is unlocked."),
    "DELETE sender_locked": Answer(403, "locked", "You may only delete a sender identity when it is unlocked."),
    "verification_limit_reached": Answer(
        429, None, "No more than three verification emails an hour are sent to one address. Please try again later."
    ),
    "sender_verified": Answer(400, None, "The Sender Identity is already verified.  No email sent."),
}


class SenderEndpoint(Endpoint):
    """An endpoint of senders."""

    bad_json = BAD_JSON
    answers = ANSWERS

    list_key: ClassVar[str] = LEGACY

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return outputs.envelope(refusal)


def answer_with(sender: Sender, status: int = 200) -> Response:
    return Response(outputs.senders([sender])[0], status=status)


def of_legacy(verb: str) -> str:
    """Return the scope of the legacy API, which has no scopes for senders alone."""
    return f"marketing_campaigns.{verb}"


@schema.senders
class Senders(SenderEndpoint):
    scopes = {"POST": of_legacy("create"), "GET": of_legacy("read")}

    def get(self, request: Request) -> Response:
        return Response({self.list_key: outputs.senders(senders.list_senders(self.account))})

    @done_once
    def post(self, request: Request) -> Response:
        return answer_with(senders.create_sender(self.account, **inputs.read_parts(request)), 201)


@schema.one_sender
class OneSender(SenderEndpoint):
    scopes = {"GET": of_legacy("read"), "PATCH": of_legacy("update"), "DELETE": of_legacy("delete")}

    def get(self, request: Request, sender_id: str) -> Response:
        return answer_with(senders.get_sender(self.account, inputs.read_sender_id(sender_id)))

    def patch(self, request: Request, sender_id: str) -> Response:
        number = inputs.read_sender_id(sender_id)
        return answer_with(senders.update_sender(self.account, number, **inputs.read_parts(request)))

    def delete(self, request: Request, sender_id: str) -> Response:
        senders.delete_sender(self.account, inputs.read_sender_id(sender_id))
        return Response(status=204)


@schema.resend_verification
class ResendVerification(SenderEndpoint):
    scopes = {"POST": of_legacy("create")}

    @done_once
    def post(self, request: Request, sender_id: str) -> Response:
        senders.resend_verification(self.account, inputs.read_sender_id(sender_id))
        return Response(status=204)


@schema.marketing_senders
class MarketingSenders(Senders):
    scopes = needing(POST="create", GET="read")
    list_key = MARKETING


@schema.one_marketing_sender
class OneMarketingSender(OneSender):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")


@schema.resend_marketing_verification
class ResendMarketingVerification(ResendVerification):
    scopes = needing(POST="create")


SENDER_ID = r"(?P<sender_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^senders/?$", Senders.as_view()),
    re_path(rf"^senders/{SENDER_ID}/?$", OneSender.as_view()),
    re_path(rf"^senders/{SENDER_ID}/resend_verification/?$", ResendVerification.as_view()),
    re_path(r"^marketing/senders/?$", MarketingSenders.as_view()),
    re_path(rf"^marketing/senders/{SENDER_ID}/?$", OneMarketingSender.as_view()),
    re_path(rf"^marketing/senders/{SENDER_ID}/resend_verification/?$", ResendMarketingVerification.as_view()),
]
