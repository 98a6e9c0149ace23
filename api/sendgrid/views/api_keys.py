"""API keys, and what they may do."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts import keys
from accounts.keys import spell_out
from api import idempotency
from api.sendgrid import errors, outputs
from api.sendgrid.inputs import resources
from api.sendgrid.schema import api_keys as schema
from api.sendgrid.views.base import Endpoint


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
