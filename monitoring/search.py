"""Find mailings by a part of a subject, a title, a sender, a category, an account or a key that a person remembers.

Each kind of words reads a bounded number of rows, however many batches there are:

- Subjects and titles are the labels of batches. Those of the newest batches are looked at one by one, and those of all
  older ones by an index of trigrams. Words without three letters in a row are looked for in the newest batches only.
- Senders and categories are looked for in the newest mails, and in the mail that is sent next.
- Campaigns that are scheduled or being sent are found by their title, subject, sender and categories.
- Accounts, and names of keys, lead to their newest batches.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db import OperationalError, connection, transaction

from batches.counts import PARCELS_OF_EACH, Estimate, estimate_batches
from batches.labels import describe_status
from batches.states import BatchStatus
from campaigns.states import CampaignStatus
from foundation.postgresql import SqlState, sqlstate_of
from foundation.statements import fetch_rows
from monitoring import search_queries as queries
from monitoring.scope import Scope

SHOWN: Final = 25
RECENT_BATCHES: Final = 20_000
OLDER_BATCHES: Final = 1_000
RECENT_MAILS: Final = 5_000
CAMPAIGNS: Final = 2_000
WAVES: Final = 500
OWNERS: Final = 20_000
SEARCH_SECONDS: Final = 1.0
LONGEST: Final = 200
COPIED: Final = (
    "batch_id",
    "public_id",
    "label",
    "is_default",
    "campaign_id",
    "campaign_uuid",
    "account_id",
    "account",
    "key_name",
    "next_at",
)
HAS_TRIGRAM: Final = re.compile(r"\w{3}")
HANDLE: Final = re.compile(r"[bc][0-9]{1,18}")
ID: Final = re.compile(r"[A-Za-z0-9_-]{4,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """A batch, or a campaign that has no batch yet, as a search shows it.

    `batch_id` and `public_id` are None for a campaign that is still to be prepared, and `campaign_id` is None unless a
    campaign owns the batch. `sent` and `waiting` are None as long as there is no batch; `is_exact` says whether they
    were counted completely. `next_at` is the next time at which mail of it is due. `matched` names the field in which
    the text was found.
    """

    batch_id: int | None
    public_id: str | None
    label: str
    is_default: bool
    status: str
    campaign_id: int | None
    campaign_uuid: UUID | None
    account_id: int
    account: str
    key_name: str | None
    sent: int | None
    waiting: int | None
    is_exact: bool
    next_at: dt.datetime | None
    matched: str

    @property
    def name(self) -> str:
        """Return its name for display."""
        return "mail without a batch" if self.is_default else self.label or self.public_id or ""

    @property
    def handle(self) -> str:
        """Return the word by which pages name it."""
        return handle_of(self.batch_id, self.campaign_id)


def find_mailings(text: str, scope: Scope, limit: int = SHOWN) -> list[Mailing]:
    """Return the mailings that a text names, those that still have mail to send first, and then the newest."""
    return _with_counts(_find(text, scope, limit))


def find_handles(text: str, scope: Scope, limit: int = SHOWN) -> list[str]:
    """Return the handles of the mailings that `find_mailings` returns, without counting their mail."""
    return [handle_of(row["batch_id"], row["campaign_id"]) for row in _find(text, scope, limit)]


def handle_of(batch_id: int | None, campaign_id: int | None) -> str:
    """Return the word by which pages name a mailing: `c` and the number of its campaign, or `b` and its batch's."""
    return f"b{batch_id}" if campaign_id is None else f"c{campaign_id}"


def _find(text: str, scope: Scope, limit: int) -> list[dict[str, Any]]:
    text = _clean(text)
    if not text:
        return []
    parameters = {
        "text": text,
        "pattern": f"%{_escape(text)}%",
        "prefix": f"{_escape(text)}%",
        "accounts": scope.ids,
        "limit": limit,
        "recent_batches": RECENT_BATCHES,
        "older_batches": OLDER_BATCHES,
        "recent_mails": RECENT_MAILS,
        "campaigns": CAMPAIGNS,
        "waves": WAVES,
        "owners": OWNERS,
    }
    sources = [
        *([queries.BY_ID] if ID.fullmatch(text) else []),
        queries.BY_NEW_LABEL,
        queries.BY_CAMPAIGN,
        queries.BY_MAIL,
        queries.BY_ACCOUNT,
        queries.BY_KEY,
    ]
    if not HAS_TRIGRAM.search(text):
        return fetch_rows(queries.search(sources), parameters)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(queries.LIMIT_SEARCH, {"milliseconds": str(int(SEARCH_SECONDS * 1000))})
            return fetch_rows(queries.search([*sources, queries.BY_OLD_LABEL]), parameters)
    except OperationalError as error:
        if sqlstate_of(error) != SqlState.QUERY_CANCELED:
            raise
    return fetch_rows(queries.search(sources), parameters)


def read_mailings(handles: Collection[str], scope: Scope) -> list[Mailing]:
    """Return the mailings with these handles (`b12`, `c3`), in this order. Those that do not exist are left out."""
    pairs = [(int(handle[1:]), handle[0]) for handle in handles if HANDLE.fullmatch(handle)]
    parameters = {
        "batches": [number if kind == "b" else None for number, kind in pairs],
        "campaigns": [number if kind == "c" else None for number, kind in pairs],
        "accounts": scope.ids,
    }
    return _with_counts(fetch_rows(queries.READ, parameters)) if pairs else []


@dataclass(frozen=True, slots=True)
class Owner:
    """An account, or a key of an account, whose name a text is a part of."""

    id: int
    name: str
    of_account: str
    is_frozen: bool
    is_key: bool


def find_owners(text: str, limit: int = 5) -> list[Owner]:
    """Return accounts, which may be frozen as a whole, and keys, which may be revoked, the newest of each."""
    text = _clean(text)
    if not text:
        return []
    parameters = {"pattern": f"%{_escape(text)}%", "owners": OWNERS, "limit": limit}
    return [Owner(**row) for row in fetch_rows(queries.OWNERS, parameters)]


def _clean(text: str) -> str:
    """Return the text to look for; empty if it is in no name, as PostgreSQL cannot store a NUL character."""
    return "" if "\0" in text else " ".join(text.split())[:LONGEST]


def _escape(text: str) -> str:
    """Return a text as a part of a pattern of LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _with_counts(rows: list[dict[str, Any]]) -> list[Mailing]:
    batch_ids = [row["batch_id"] for row in rows if row["batch_id"] is not None]
    estimates = estimate_batches(batch_ids, parcels=PARCELS_OF_EACH) if batch_ids else {}
    return [_mailing(row, estimates.get(row["batch_id"])) for row in rows]


def _mailing(row: dict[str, Any], estimate: Estimate | None) -> Mailing:
    is_cancelled = row["batch_status"] == BatchStatus.CANCELLED
    waiting = None if estimate is None else 0 if is_cancelled else estimate.counts.waiting
    return Mailing(
        **{name: row[name] for name in COPIED},
        status=_status(row, estimate),
        sent=None if estimate is None else estimate.counts.sent,
        waiting=waiting,
        is_exact=estimate is None or estimate.is_exact,
        matched=queries.KINDS.get(row["kind"], ""),
    )


def _status(row: dict[str, Any], estimate: Estimate | None) -> str:
    if estimate is None:
        return CampaignStatus(row["campaign_status"]).label
    is_complete = row["is_complete"] is not False
    return describe_status(
        BatchStatus(row["batch_status"]), estimate, is_frozen=row["is_frozen"], is_complete=is_complete
    )
