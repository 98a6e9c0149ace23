"""Answer the calls for keys: list them, revoke one, and stop everything that it scheduled."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.keys import living_keys, revoke_key
from api.idempotency import done_once_in_steps
from api.native import errors, inputs, outputs
from api.native.schema import keys as schema
from api.native.views.base import Endpoint
from campaigns.models import Revocation
from campaigns.revoking import RECEIPTS_SHOWN, count_scheduled, find_any_key, list_receipts, revoke_and_stop


@schema.keys
class Keys(Endpoint):
    resource = "key"
    scopes = {"GET": "api_keys.read"}

    def get(self, request: Request) -> Response:
        inputs.read_no_query(request)
        # API_KEYS_LIMIT bounds the list.
        rows = list(living_keys(self.account).select_related("account"))
        return Response(outputs.page(map(outputs.key_line, rows), limit=len(rows), next_after=None))


@schema.revoke_key
class RevokeKey(Endpoint):
    resource = "key"
    scopes = {"POST": "api_keys.delete"}

    @done_once_in_steps
    def post(self, request: Request, key_id: str) -> Response:
        change, key = inputs.read_revoke(request), find_any_key(self.account, key_id)
        if change.is_dry_run:
            return Response(outputs.envelope(outputs.revocation_rehearsal(key, count_scheduled(key))))
        if change.stops_scheduled:
            return answer_with(revoke_and_stop(key, actor=self.actor, reason=change.reason))
        revoke_key(key.account, key.key_id)
        key.refresh_from_db()
        return Response(outputs.envelope({**outputs.key_line(key), "stopped": None}))


@schema.key_revocation
class KeyRevocation(Endpoint):
    """Describe what was stopped with a key so far."""

    resource = "key"
    scopes = {"GET": "api_keys.read"}

    def get(self, request: Request, key_id: str) -> Response:
        inputs.read_no_query(request)
        key = find_any_key(self.account, key_id)
        revocation = Revocation.objects.select_related("key__account").filter(key=key).first()
        if revocation is None:
            raise errors.not_found("Revocation")
        return answer_with(revocation)


def answer_with(revocation: Revocation) -> Response:
    """Return the answer to a revocation that stops what the key scheduled."""
    receipts = list(list_receipts(revocation)[:RECEIPTS_SHOWN])
    return Response(outputs.envelope(outputs.revocation(revocation, receipts)))
