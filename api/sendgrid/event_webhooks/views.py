"""Answer the calls for the settings of event webhooks: the endpoints of SendGrid's dialect."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import check_rare_call
from api.idempotency import done_once, done_once_in_steps
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.event_webhooks import inputs, outputs, schema
from events.errors import UrlTaken
from events.models import Dialect
from events.models import Endpoint as Webhook
from events.webhooks import editing
from events.webhooks.trial import post_samples

SCOPE: Final = "user.webhooks.event.settings"
CHANGING: Final = f"{SCOPE}.update"
TRIALS_PER_MINUTE: Final = 10
"""The test requests of a key."""


def taken_url(error: UrlTaken) -> Refusal:
    """Answer a URL that another webhook of the account has."""
    text = f"Webhook at '{error.url}' already exists. Please provide a unique URL."
    return Refusal(400, outputs.TakenUrl(text, "url", id=str(error.public_id), url=error.url))


ANSWERS: Final[Answers] = {
    "unknown_endpoint": Answer(404, None, "Invalid id provided."),
    "invalid_url": Answer(400, None, "'{error.url}' is not a valid url"),
    "url_taken": taken_url,
    "endpoint_limit_reached": Answer(
        400, None, "You have reached the maximum number of webhooks per your current billing plan."
    ),
}


class WebhookEndpoint(Endpoint):
    """An endpoint of event webhooks. A path without an id means the oldest webhook of the account."""

    answers = ANSWERS

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        return outputs.envelope(refusal)

    def find(self, webhook_id: str | None) -> Webhook:
        """Return a webhook of the account. Raises UnknownEndpoint."""
        return editing.find_endpoint(self.account, inputs.read_id(webhook_id), Dialect.SENDGRID)

    def answer_with(self, webhook: Webhook, status: int = 200) -> Response:
        """Return the answer that shows a webhook."""
        with_account_status = inputs.includes_account_status(self.request)
        return Response(outputs.webhook(webhook, with_account_status=with_account_status), status=status)


class ShownWebhook(WebhookEndpoint):
    """Show and change a webhook."""

    def get(self, request: Request, webhook_id: str | None = None) -> Response:
        return self.answer_with(self.find(webhook_id))

    def patch(self, request: Request, webhook_id: str | None = None) -> Response:
        changes = inputs.read_webhook(request)
        return self.answer_with(editing.change_endpoint(self.find(webhook_id), changes))


@schema.webhooks
class Webhooks(ShownWebhook):
    scopes = {"POST": (f"{SCOPE}.create", CHANGING), "GET": f"{SCOPE}.read", "PATCH": CHANGING}

    @done_once
    def post(self, request: Request) -> Response:
        changes = inputs.read_webhook(request)
        return self.answer_with(editing.add_endpoint(self.account, Dialect.SENDGRID, changes), status=201)


@schema.all_webhooks
class AllWebhooks(WebhookEndpoint):
    scopes = {"GET": f"{SCOPE}.read"}

    def get(self, request: Request) -> Response:
        # ENDPOINTS_LIMIT bounds the list.
        rows = editing.list_endpoints(self.account, Dialect.SENDGRID)
        with_account_status = inputs.includes_account_status(request)
        webhooks = [outputs.webhook(each, with_account_status=with_account_status) for each in rows]
        return Response({"max_allowed": settings.ENDPOINTS_LIMIT, "webhooks": webhooks})


@schema.one_webhook
class OneWebhook(ShownWebhook):
    scopes = {"GET": f"{SCOPE}.read", "PATCH": CHANGING, "DELETE": (f"{SCOPE}.delete", CHANGING)}

    def delete(self, request: Request, webhook_id: str) -> Response:
        editing.delete_endpoint(self.find(webhook_id))
        return Response(status=204)


class SignedWebhook(WebhookEndpoint):
    """Show the public key of a webhook, and let it sign or not."""

    def get(self, request: Request, webhook_id: str | None = None) -> Response:
        return Response(outputs.signature(self.find(webhook_id)))

    def patch(self, request: Request, webhook_id: str | None = None) -> Response:
        is_signed = inputs.read_signature(request)
        return Response(outputs.signature(editing.sign_endpoint(self.find(webhook_id), is_signed=is_signed)))


@schema.oldest_signature
class OldestSignature(SignedWebhook):
    scopes = {"GET": f"{SCOPE}.read", "PATCH": CHANGING}


@schema.one_signature
class OneSignature(SignedWebhook):
    scopes = {"GET": f"{SCOPE}.read", "PATCH": CHANGING}


@schema.trial
class TryWebhook(WebhookEndpoint):
    """Post test events while the caller waits, which takes a thread for some seconds at most."""

    scopes = {"POST": ("user.webhooks.event.test.create", "user.webhooks.event.test.update")}

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        trial = inputs.read_trial(request)
        check_rare_call(self.key, "webhook test", limit=TRIALS_PER_MINUTE)
        answer = post_samples(self.account, trial)
        if not answer.is_success:
            raise Refusal(400, Problem(f"the test events were not accepted: {answer.error}"))  # ours
        return Response(status=204)


SETTINGS = r"user/webhooks/event/settings"
WEBHOOK_ID = r"(?P<webhook_id>[^/\0]{1,200})"

# `all` and `signed` would be ids otherwise.
urlpatterns: list[URLPattern] = [
    re_path(rf"^{SETTINGS}/?$", Webhooks.as_view()),
    re_path(rf"^{SETTINGS}/all/?$", AllWebhooks.as_view()),
    re_path(rf"^{SETTINGS}/signed/?$", OldestSignature.as_view()),
    re_path(rf"^{SETTINGS}/signed/{WEBHOOK_ID}/?$", OneSignature.as_view()),
    re_path(rf"^{SETTINGS}/{WEBHOOK_ID}/?$", OneWebhook.as_view()),
    re_path(r"^user/webhooks/event/test/?$", TryWebhook.as_view()),
]
