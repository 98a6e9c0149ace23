"""What is to be delivered of some claims: their messages, and who of the recipients gets nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection

from batches.claims import Claim, bits
from batches.models import PARCEL_SPAN
from mailer import queries
from mailer.compose.mime import recipients_of
from mailer.suppressions.check import Found, find_suppressions


class Load(NamedTuple):
    """A message as it is stored: its mail, its first recipient, its personal part."""

    mail_id: int
    recipient: str
    personal: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Cargo:
    """The messages of the claims by id; the recipients who had their outcome at an earlier try; the suppressions of
    those who have any. Recipients are as they are written on the wire."""

    messages: dict[int, Load]
    finished: dict[int, frozenset[str]]
    suppressed: dict[int, dict[str, list[Found]]]


def load_cargo(claims: Sequence[Claim]) -> Cargo:
    """Read the messages of claims; of retries also which recipients have had their outcome."""
    accounts = sorted({claim.account_id for claim in claims})
    with connection.cursor() as cursor:
        if len(claims) == 1:
            first = claims[0].first_message_id
            cursor.execute(queries.READ_PARCEL, [accounts, first, first + PARCEL_SPAN])
        else:
            ids = [claim.first_message_id + n for claim in claims for n in bits(claim.members)]
            cursor.execute(queries.READ_MESSAGES, [accounts, ids])
        rows = cursor.fetchall()
    # All at once: to parse them one by one takes twice as long.
    personal = json.loads(f"[{','.join([row[3] or 'null' for row in rows])}]")
    messages = {row[0]: Load(row[1], row[2], said) for row, said in zip(rows, personal, strict=True)}
    retried = [claim for claim in claims if claim.attempts or claim.is_replay]
    has_suppressions = bool(rows) and rows[0][4]
    return Cargo(
        messages=messages,
        finished=finished_recipients(retried) if retried else {},
        suppressed=suppressed_recipients(claims, messages) if has_suppressions else {},
    )


def finished_recipients(claims: Sequence[Claim]) -> dict[int, frozenset[str]]:
    """The recipients of these messages who were sent it, refused it or were dropped at an earlier try."""
    ids = [claim.first_message_id + n for claim in claims for n in bits(claim.members)]
    finished: dict[int, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_FINISHED, [ids])
        for message_id, recipient in cursor.fetchall():
            finished.setdefault(message_id, set()).add(recipient)
    return {message_id: frozenset(recipients) for message_id, recipients in finished.items()}


def suppressed_recipients(claims: Sequence[Claim], messages: dict[int, Load]) -> dict[int, dict[str, list[Found]]]:
    """The recipients of these messages who have suppressions, with these, in one statement."""
    accounts = {claim.base: claim.account_id for claim in claims}
    # As on the wire they need no more than lower case to be keys (`address_key`).
    asked = [
        (message_id, recipient, (accounts[message_id // PARCEL_SPAN], recipient.lower()))
        for message_id, (_, first, personal) in messages.items()
        for recipient in recipients_of(personal or {}, first)
    ]
    found = find_suppressions({pair for _, _, pair in asked})
    suppressed: dict[int, dict[str, list[Found]]] = {}
    for message_id, recipient, pair in asked if found else ():
        if pair in found:
            suppressed.setdefault(message_id, {})[recipient] = found[pair]
    return suppressed
