"""Answer the calls for the account: its contact address and policies, freeze, thaw and purge."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.editing import change_account
from api.idempotency import done_once_in_steps
from api.native import inputs, outputs
from api.native.schema import account as schema
from api.native.views.base import Endpoint, answer_with
from batches.models import Receipt
from batches.stop.dry_run import rehearse_account
from batches.stop.freeze import freeze_account, thaw_account
from batches.stop.purge import purge_account


@schema.one_account
class OneAccount(Endpoint):
    resource = "account"
    scopes = {"GET": "sluice.account.read", "PATCH": "sluice.account.update"}

    def get(self, request: Request) -> Response:
        return Response(outputs.envelope(outputs.account_details(self.account)))

    def patch(self, request: Request) -> Response:
        changed = change_account(self.account, **inputs.read_account_changes(request))
        return Response(outputs.envelope(outputs.account_details(changed)))


class AccountMove(Endpoint):
    """A change to all mail of the account and of its subusers."""

    resource = "account"
    scopes = {"POST": "sluice.account.update"}
    action: ClassVar[Receipt.Action]
    is_for_frozen: ClassVar[bool]
    carry_out: ClassVar[Callable[..., Receipt]]

    @done_once_in_steps
    def post(self, request: Request) -> Response:
        change = inputs.read_move(request)
        if change.is_dry_run:
            rehearsed = rehearse_account(self.account, is_frozen=self.is_for_frozen)
            return Response(outputs.envelope(outputs.rehearsal(rehearsed, self.action)))
        return answer_with(self.carry_out(self.account, actor=self.actor, reason=change.reason))


@schema.freeze_account
class FreezeAccount(AccountMove):
    action = Receipt.Action.FREEZE
    is_for_frozen = False
    carry_out = staticmethod(freeze_account)


@schema.thaw_account
class ThawAccount(AccountMove):
    action = Receipt.Action.THAW
    is_for_frozen = True
    carry_out = staticmethod(thaw_account)


@schema.purge_account
class PurgeAccount(AccountMove):
    action = Receipt.Action.PURGE
    is_for_frozen = True
    carry_out = staticmethod(purge_account)
