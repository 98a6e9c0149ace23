"""List what needs a person. Each problem has a text, the page to act on, and a run book in `docs/operations.md`."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.conf import settings

from batches.counts import Tally
from batches.hints import NODE_SILENCE
from events.webhooks.urls import host_of
from foundation.statements import fetch_rows
from mailer.models import Measure
from mailer.outcomes.counters import MINUTE
from monitoring import queries
from monitoring.fleet import PeerTrouble, Process, find_peer_trouble, parameters_of_processes, process_from_json
from monitoring.rates import Lateness, lateness_from
from monitoring.running import MOST_ACCOUNTS, MOST_BATCHES, Row
from monitoring.scope import EVERYTHING, Scope

OVERDUE = dt.timedelta(seconds=60)
"""Due mail behind an open gate is a problem when it has waited this long."""
EXPIRY_NOTICE = dt.timedelta(hours=12)
"""Retained mail is a problem this long before it expires."""
REMEMBERED = dt.timedelta(hours=24)
"""How long a failed job or campaign, or an endpoint that Sluice has disabled, is shown."""
SHARES_OVER = dt.timedelta(minutes=10)
"""The time over which refusals and lateness are counted."""
FAILING_AFTER = dt.timedelta(minutes=10)
"""An endpoint is a problem when it has failed this long. A receiver that only restarts is back sooner."""
REFUSED_SHARE = 0.05
"""The share of refused recipients above which an account is a problem."""
LEAST_REFUSALS = 20
"""The fewest refusals of an account that say something about its mail."""
SHARES_READ = 30
"""The most accounts whose share of refusals is read."""
MOST_NODES = 20
MOST_FAILURES = 1000
LOOKED_AT_PARCELS = 2000
"""The parcels of each kind whose messages are counted for a problem."""


class Severity(enum.Enum):
    """The urgency of a problem."""

    CRITICAL = "critical"
    """Mail is not sent now, or is lost soon."""
    WARNING = "warning"
    """Something waits for a decision, or has failed once."""


class Kind(enum.Enum):
    """The kinds of problems. The values are the anchors of their run books in `docs/operations.md`."""

    NO_WORKER = "no-worker-is-at-work"
    NODE_SILENT = "a-node-is-silent"
    PEER = "the-peer-hangs-refuses-or-is-slow"
    OVERDUE = "due-mail-waits"
    LATE = "mail-is-later-than-its-limit"
    REFUSED = "many-messages-are-refused"
    IN_DOUBT = "mail-is-in-doubt"
    HELD = "mail-is-held"
    EXPIRING = "retained-mail-expires-soon"
    FAILING_ENDPOINT = "an-endpoint-fails"
    DISABLED_ENDPOINT = "an-endpoint-was-disabled"
    FAILED_CAMPAIGN = "a-campaign-has-failed"
    FAILED_JOB = "an-import-or-another-job-has-failed"


@dataclass(frozen=True, slots=True)
class Link:
    """A page of the console, as data: the name of its route, its arguments, and what the button says."""

    title: str
    route: str
    arguments: tuple[int | str, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that needs a person. `since` is None where nobody knows when it began."""

    kind: Kind
    severity: Severity
    text: str
    link: Link
    since: dt.datetime | None = None

    @property
    def runbook(self) -> str:
        """Return the anchor of its run book in `docs/operations.md`."""
        return self.kind.value


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the installation: `rate` is in recipients a second over the last minute.

    `lateness` is that of the last 10 minutes, and `in_hand` is the mail that is held or in doubt. `processes` are the
    worker processes.
    """

    at: dt.datetime
    is_frozen: bool
    rate: float
    lateness: Lateness
    in_hand: Tally
    processes: Sequence[Process]
    problems: list[Problem]


def list_problems(scope: Scope) -> list[Problem]:
    """Return the problems of these accounts, the critical ones first. Nodes and peers belong to EVERYTHING only."""
    if scope.ids is None:
        return read_health().problems
    return _sort(_describe(fetch_rows(queries.FIND_PROBLEMS_OF_ACCOUNTS, _parameters(scope))))


def read_health() -> Health:
    """Return the state of the installation and all of its problems, in one statement."""
    rows = fetch_rows(queries.READ_HEALTH, _parameters(EVERYTHING) | parameters_of_processes())
    processes = [process_from_json(row["text"]) for row in rows if row["kind"] == "process"]
    figures = {row["kind"]: row for row in rows}
    now: dt.datetime = figures["clock"]["at"]
    late = {Measure(row["number"]): int(row["messages"]) for row in rows if row["kind"] == "lateness"}
    return Health(
        at=now,
        is_frozen=figures["clock"]["number"] > 0,
        rate=float(figures["rate"]["text"]) / MINUTE,
        lateness=lateness_from(late),
        in_hand=_tally_in_hand(rows),
        processes=processes,
        problems=_sort([*_describe(rows), *map(_peer, find_peer_trouble(processes))]),
    )


def _tally_in_hand(rows: list[Row]) -> Tally:
    in_hand = [row for row in rows if DESCRIBE.get(row["kind"]) is _in_hand]
    messages = sum(row["messages"] for row in in_hand)
    return Tally(messages, is_exact=all(row["parcels"] < LOOKED_AT_PARCELS for row in in_hand))


def _parameters(scope: Scope) -> Row:
    return {
        "accounts": scope.ids,
        "most_accounts": MOST_ACCOUNTS,
        "most_batches": MOST_BATCHES,
        "most_nodes": MOST_NODES,
        "most_failures": MOST_FAILURES,
        "parcels": LOOKED_AT_PARCELS,
        "notice": EXPIRY_NOTICE,
        "retention": settings.RETENTION_SECONDS,
        "silence": NODE_SILENCE,
        "remembered": REMEMBERED,
        "failing": FAILING_AFTER,
        "overdue": OVERDUE,
        "span_of_shares": SHARES_OVER,
        "refused_share": REFUSED_SHARE,
        "least": LEAST_REFUSALS,
        "limit": SHARES_READ,
    }


def _describe(rows: list[Row]) -> list[Problem]:
    return [DESCRIBE[row["kind"]](row) for row in rows if row["kind"] in DESCRIBE and row["number"]]


def _sort(problems: list[Problem]) -> list[Problem]:
    order = list(Kind)
    return sorted(problems, key=lambda problem: (problem.severity is not Severity.CRITICAL, order.index(problem.kind)))


def count(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun: `1 node`, `1,200 nodes`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def _tell_messages(row: Row) -> str:
    return count(row["messages"], "message") + (" or more" if row["parcels"] >= LOOKED_AT_PARCELS else "")


def _tell_accounts(row: Row) -> str:
    """Return the account, or how many there are and the first of them."""
    others = row["number"] - 1
    return f"{row['account']} and {count(others, 'other account')}" if others else str(row["account"])


def _batch(row: Row, title: str = "Batch") -> Link:
    return Link(title, "admin:batches_batch_change", (row["id"],))


def _no_worker(row: Row) -> Problem:
    text = "No worker is at work, so no mail is sent."
    return Problem(Kind.NO_WORKER, Severity.CRITICAL, text, Link("Fleet", "fleet"), row["at"])


def _silent(row: Row) -> Problem:
    text = f"The node {row['name']} is silent."
    if row["messages"]:
        text += f" Its workers have claimed {count(row['messages'], 'message')}."
    return Problem(Kind.NODE_SILENT, Severity.CRITICAL, text, Link("Fleet", "fleet"), row["at"])


def _peer(trouble: PeerTrouble) -> Problem:
    severity = Severity.WARNING if trouble.kind == "slow" else Severity.CRITICAL
    return Problem(Kind.PEER, severity, trouble.text, Link("Fleet", "fleet"), trouble.since)


def _refused(row: Row) -> Problem:
    refused, sent = row["messages"], row["parcels"]
    more = f" The same goes for {count(row['number'] - 1, 'other account')}." if row["number"] > 1 else ""
    share = 100 * refused / (refused + sent)
    of_all = f"{refused:,} of {refused + sent:,}"
    text = f"Peers refused {share:.0f} % of {row['account']}'s recipients in 10 minutes: {of_all}.{more}"
    link = Link("Failures", "failures", query={"account": row["account"]})
    return Problem(Kind.REFUSED, Severity.WARNING, text, link)


def _overdue(row: Row) -> Problem:
    text = f"Due mail of {_tell_accounts(row)} waits, although nothing stops it."
    return Problem(Kind.OVERDUE, Severity.CRITICAL, text, _batch(row, "Oldest batch"), row["at"])


def _late(row: Row) -> Problem:
    text = f"Due mail of {_tell_accounts(row)} is later than its limit, so it is held instead of sent."
    link = Link("Account", "admin:accounts_account_change", (row["id"],))
    return Problem(Kind.LATE, Severity.CRITICAL, text, link, row["at"])


def _in_hand(row: Row) -> Problem:
    kind = Kind.HELD if row["kind"] == "held" else Kind.IN_DOUBT
    state = "held because it is late" if kind is Kind.HELD else "in doubt: nobody knows whether it was sent"
    text = f"{_tell_messages(row)} of {_tell_accounts(row)} must be replayed or dropped. This mail is {state}."
    query = {"why": "held" if kind is Kind.HELD else "in_doubt", "account": str(row["id"])}
    return Problem(kind, Severity.WARNING, text, Link("Decide", "in_hand", query=query))


def _expiring(row: Row) -> Problem:
    more = f" and {count(row['number'] - 1, 'other batch', 'other batches')}" if row["number"] > 1 else ""
    name = row["name"] or "mail without a batch"
    messages = count(row["messages"], "retained message")
    text = f"{messages} of {name} ({row['account']}){more} will expire within 12 hours."
    return Problem(Kind.EXPIRING, Severity.WARNING, text, _batch(row), None)


def _failing_endpoint(row: Row) -> Problem:
    waiting = f" It still has to get {count(row['messages'], 'event')} or more." if row["messages"] else ""
    more = f" The same goes for {count(row['number'] - 1, 'other endpoint')}." if row["number"] > 1 else ""
    text = f"The endpoint “{host_of(row['name'])}” of {row['account']} fails.{waiting}{more}"
    return Problem(Kind.FAILING_ENDPOINT, Severity.WARNING, text, _endpoint(row), row["at"])


def _disabled_endpoint(row: Row) -> Problem:
    others = count(row["number"] - 1, "other endpoint")
    more = f" It has disabled {others} within 24 hours." if row["number"] > 1 else ""
    text = f"Sluice has disabled the endpoint “{host_of(row['name'])}” of {row['account']}: “{row['text']}”{more}"
    return Problem(Kind.DISABLED_ENDPOINT, Severity.WARNING, text, _endpoint(row), row["at"])


def _endpoint(row: Row) -> Link:
    return Link("Endpoint", "admin:events_endpoint_change", (row["id"],))


def _failed_campaign(row: Row) -> Problem:
    more = f" {count(row['number'] - 1, 'other campaign')} failed within 24 hours." if row["number"] > 1 else ""
    text = f"The campaign {row['name']} of {row['account']} failed: {row['text']}.{more}"
    link = Link("Campaign", "admin:campaigns_campaign_change", (row["id"],))
    return Problem(Kind.FAILED_CAMPAIGN, Severity.WARNING, text, link, row["at"])


def _failed_job(row: Row) -> Problem:
    more = f" {count(row['number'] - 1, 'other job')} failed within 24 hours." if row["number"] > 1 else ""
    text = f"The {row['name']} of {row['account']} failed: {row['text']}{more}"
    return Problem(
        Kind.FAILED_JOB, Severity.WARNING, text, Link("Job", "admin:audience_job_change", (row["id"],)), row["at"]
    )


DESCRIBE = {
    "no worker": _no_worker,
    "node": _silent,
    "due": _overdue,
    "late": _late,
    "refused": _refused,
    "held": _in_hand,
    "in doubt": _in_hand,
    "expiring": _expiring,
    "failing endpoint": _failing_endpoint,
    "disabled endpoint": _disabled_endpoint,
    "campaign": _failed_campaign,
    "job": _failed_job,
}
