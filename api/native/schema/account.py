"""Describe the calls of `views/account.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native import inputs
from api.native.schema.words import call, envelope_of
from api.openapi import NUMBER, RECEIPT_HEADERS, TEXT, TIME, Describe, Piece, Reply, nullable, one_of, record

COMPONENTS: dict[str, Piece] = {
    "Account": record(
        username=TEXT,
        parent=nullable(TEXT),
        frozen_at=nullable(TIME),
        email={**TEXT, "description": "The contact address; empty if the account has none."},
        doubt_policy=one_of(inputs.DOUBT_POLICIES),
        lateness_limit_seconds=nullable(NUMBER),
    ),
}


def account_move(name: str, summary: str) -> Describe:
    """Describe a freeze, a thaw or a purge."""
    answer = {"oneOf": [envelope_of("ReceiptDetails"), envelope_of("DryRun")]}
    reply = Reply(
        "The receipt. A dry run changes nothing, and its response has the counts instead.", answer, RECEIPT_HEADERS
    )
    return call(name, summary, tag="account", replies={200: reply}, body=inputs.MoveForm)


one_account = extend_schema_view(
    get=call(
        "get_account",
        "Get the account that the request acts for",
        tag="account",
        replies={200: Reply("The account.", envelope_of("Account"))},
    ),
    patch=call(
        "change_account",
        "Change the account's contact address, and its policies for late mail and for mail in doubt",
        tag="account",
        body=inputs.AccountForm,
        replies={200: Reply("The changed account.", envelope_of("Account"))},
    ),
)
freeze_account = extend_schema_view(
    post=account_move("freeze_account", "Freeze an account: send no mail of it or of its subusers until it is thawed")
)
thaw_account = extend_schema_view(post=account_move("thaw_account", "Thaw an account: release its mail"))
purge_account = extend_schema_view(
    post=account_move("purge_account", "Discard all waiting mail of a frozen account and of its subusers")
)
