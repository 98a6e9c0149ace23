"""List what is sent next: waves of batches, and campaigns whose mail is not made yet, each with its fate."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from dataclasses import dataclass

from batches.verdict import GateStatus
from foundation.statements import fetch_rows
from monitoring import queries
from monitoring.running import Row, gate_of, name_of
from monitoring.scope import Scope


class Fate(enum.Enum):
    """The fates of mail at its time, unless somebody changes something before."""

    SENT = "will be sent"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FROZEN = "frozen"
    WAITS = "waits for its audience"


FATES = {
    GateStatus.OPEN: Fate.SENT,
    GateStatus.PAUSED: Fate.PAUSED,
    GateStatus.CANCELLED: Fate.CANCELLED,
    GateStatus.FROZEN: Fate.FROZEN,
}


@dataclass(frozen=True, slots=True)
class Coming:
    """The mail of a batch in one minute that waits for its first try, or a campaign whose mail is not made yet.

    `at` is the time of the first message. `messages` is None while no contact of the audience has become a message;
    with `is_complete` false there may be more. `batch_id`, `public_id` and `label` are missing for a campaign without
    a batch; `label` is then its title.
    """

    at: dt.datetime
    batch_id: int | None
    public_id: str | None
    label: str
    is_default: bool
    campaign_id: int | None
    campaign_uuid: uuid.UUID | None
    account: str
    account_id: int
    messages: int | None
    is_complete: bool
    fate: Fate


def list_coming(scope: Scope, within: dt.timedelta, limit: int = 100) -> list[Coming]:
    """Return the mail that comes within a time from now, the earliest first, at most `limit` rows.

    Due mail is left out.
    """
    parameters = {"accounts": scope.ids, "within": within, "limit": limit}
    return [_coming(row) for row in fetch_rows(queries.LIST_COMING, parameters)]


def _coming(row: Row) -> Coming:
    fate = FATES[gate_of(row)]
    return Coming(
        at=row["at"],
        batch_id=row["batch_id"],
        public_id=row["public_id"],
        label=name_of(row),
        is_default=row["is_default"],
        campaign_id=row["campaign_id"],
        campaign_uuid=row["campaign_uuid"],
        account=row["account"],
        account_id=row["account_id"],
        messages=row["messages"],
        is_complete=row["is_complete"],
        fate=Fate.WAITS if fate is Fate.SENT and row["messages"] is None else fate,
    )
