"""Answer the calls that manage API keys."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys
from accounts.errors import ScopesNotGrantable
from accounts.keys import spell_out
from api import idempotency
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.keys import inputs, outputs, schema

NO_IDEMPOTENCY_KEY: Final = Problem(
    "An API key is shown once and never again, so this call takes no Idempotency-Key."  # ours
)


def not_grantable(error: ScopesNotGrantable) -> Refusal:
    """Answer scopes that the calling key does not have."""
    return Refusal(403, Problem(f"unauthorized scopes: [{' '.join(error.scopes)}]"))


ANSWERS: Final[Answers] = {
    "unknown_key": Answer(404, None, "unable to find API Key"),
    "PUT unknown_key": Answer(404, None, "unable to find API Key to update"),
    "DELETE unknown_key": Answer(404, None, "unable to find API Key for deletion"),
    "key_limit_reached": Answer(403, None, "Cannot create more than {settings.API_KEYS_LIMIT} API Keys"),
    "scopes_not_grantable": not_grantable,
}


@schema.api_keys
class ApiKeys(Endpoint):
    answers = ANSWERS
    scopes = {"POST": "api_keys.create", "GET": "api_keys.read"}

    def get(self, request: Request) -> Response:
        rows = keys.living_keys(self.account)[: inputs.read_limit(request)]
        return Response({"result": [outputs.line(key) for key in rows]})

    def post(self, request: Request) -> Response:
        if idempotency.HEADER in request.META:
            # The answer could not be stored for a repetition: the secret of a key is shown once, and never stored.
            raise Refusal(400, NO_IDEMPOTENCY_KEY)
        new = inputs.read_new_key(request)
        key, text = keys.create_key(self.account, new.name, new.scopes, giver=self.key.scopes)
        return Response(outputs.new_key(key, text), status=201)


@schema.one_api_key
class OneApiKey(Endpoint):
    answers = ANSWERS
    scopes = {
        "GET": "api_keys.read",
        "PUT": "api_keys.update",
        "PATCH": "api_keys.update",
        "DELETE": "api_keys.delete",
    }

    def get(self, request: Request, key_id: str) -> Response:
        return Response(outputs.key(keys.get_key(self.account, key_id)))

    def put(self, request: Request, key_id: str) -> Response:
        name, scopes = inputs.read_whole_key(request)
        key = keys.replace_scopes(self.account, key_id, name, scopes, giver=self.key.scopes)
        return Response(outputs.key(key))

    def patch(self, request: Request, key_id: str) -> Response:
        key = keys.rename_key(self.account, key_id, inputs.read_key_name(request))
        return Response(outputs.name(key))

    def delete(self, request: Request, key_id: str) -> Response:
        keys.revoke_key(self.account, key_id)
        return Response(status=204)


@schema.scopes
class Scopes(Endpoint):
    """Return the scopes of the calling key. Every key may read them."""

    scopes = {"GET": None}

    def get(self, request: Request) -> Response:
        return Response({"scopes": spell_out(self.key.scopes)})


KEY_ID = r"(?P<key_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^api_keys/?$", ApiKeys.as_view()),
    re_path(rf"^api_keys/{KEY_ID}/?$", OneApiKey.as_view()),
    re_path(r"^scopes/?$", Scopes.as_view()),
]
