"""Say why mail waits: one reason for each batch with mail that is due and unsent.

The first reason that applies is given, in the order of `WaitKind`. A campaign that has begun waits, too, if the rest of
its mail has later times: its audience is being prepared, its window is closed, or its pace is slow.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from batches.hints import NODE_SILENCE
from batches.models import Batch
from batches.states import BatchStatus, Lane
from batches.verdict import Gate, GateStatus
from campaigns.pacing import NeverOpen, Window
from foundation.statements import fetch_rows
from mailer.pipeline.slice_size import SLOW_FOR_SECONDS
from monitoring import waiting_queries
from monitoring.fleet import PeerTrouble, Process, find_peer_trouble, read_processes

PARCELS_READ = 100
"""The parcels that are read at each end of a batch's mail."""
QUEUE_READ = 2_000
"""The parcels that are read in the queues of all accounts together."""
ACCOUNTS_COUNTED = 64
PACE_GRACE = dt.timedelta(seconds=10)
"""If mail of a paced campaign has been due for longer than this, its pace is not the reason."""


class WaitKind(enum.StrEnum):
    """The kinds of reasons, in the order in which they are looked for."""

    CANCELLED = "cancelled"
    FROZEN = "frozen"
    PAUSED = "paused"
    HELD = "held"
    AUDIENCE = "audience"
    WINDOW = "window"
    RATE = "rate"
    NO_WORKER = "no_worker"
    PEER_AWAY = "peer_away"
    PEER_SILENT = "peer_silent"
    PEER_SLOW = "peer_slow"
    SENDING = "sending"
    QUEUE = "queue"
    RELEASE = "release"
    RETRY = "retry"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Reason:
    """The reason for which mail of a batch waits, and its text for people. Times in it are in UTC."""

    kind: WaitKind
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts about a batch: its gate, its campaign's terms and its mail."""

    id: int
    account_id: int
    status: int
    paused_until: dt.datetime | None
    now: dt.datetime
    is_installation_frozen: bool
    is_parent_frozen: bool
    is_account_frozen: bool
    username: str
    parent: str | None
    has_begun: bool
    """Whether its campaign has begun."""
    is_complete: bool
    """The whole audience of its campaign was processed."""
    recipients: int
    rate_per_minute: int | None
    spread_seconds: int | None
    window: str | None
    account_rate: int | None
    is_claimed: bool
    is_retained: bool
    is_held: bool
    due_since: dt.datetime | None
    lane: int | None
    """The lane of the mail that is due."""
    overdue_since: dt.datetime | None
    """The earliest time of its mail that was not released at its time."""
    retry_at: dt.datetime | None
    """The time at which its next message is tried again."""
    next_at: dt.datetime | None
    """The time at which its next mail becomes due for the first time."""
    workers: int
    """The worker processes on living nodes."""

    @property
    def has_due(self) -> bool:
        """Return whether mail is due and nothing but workers and peer can delay it."""
        return self.is_claimed or self.due_since is not None or self.overdue_since is not None

    @property
    def is_waiting(self) -> bool:
        """Return whether mail of the batch is due and unsent, or its campaign has begun and is not finished."""
        has_more = self.has_begun and (not self.is_complete or self.next_at is not None)
        return (
            self.has_due
            or self.is_retained
            or self.is_held
            or self.retry_at is not None
            or (has_more and self.status != BatchStatus.CANCELLED)
        )

    @property
    def is_late(self) -> bool:
        """Return whether due mail has waited for longer than the pace of a campaign explains."""
        due = [moment for moment in (self.due_since, self.overdue_since) if moment is not None]
        return bool(due) and self.now - min(due) >= PACE_GRACE


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue before a batch: messages of its account, and accounts that take turns."""

    messages: int
    is_exact: bool
    accounts: int


def why_waiting(batches: Collection[Batch], processes: Sequence[Process] | None = None) -> dict[int, Reason]:
    """Return why these batches wait, by batch id, in at most three statements.

    Batches without mail that is due and unsent are left out. `processes` are those of `read_processes`, for callers
    that have just read them.
    """
    waiting = [facts for facts in _read_facts([batch.pk for batch in batches]) if facts.is_waiting]
    if not waiting:
        return {}
    if processes is None:
        processes = read_processes() if any(facts.has_due for facts in waiting) else []
    queues = _read_queues([facts for facts in waiting if facts.due_since is not None and not facts.is_claimed])
    trouble = {peer_trouble.kind: peer_trouble for peer_trouble in find_peer_trouble(processes)}
    return {facts.id: explain(facts, processes, trouble, queues.get(facts.id)) for facts in waiting}


def explain(
    facts: Facts, processes: Collection[Process], trouble: Mapping[str, PeerTrouble], queue: Queue | None
) -> Reason:
    """Return the first reason that applies to a batch that waits."""
    return (
        _find_stop(facts)
        or _find_pace(facts)
        or (_find_obstacle(facts, processes, trouble) if facts.has_due else None)
        or _find_place(facts, queue)
    )


def _find_stop(facts: Facts) -> Reason | None:
    """Return the stop that keeps the mail back, or the reason that it is held."""
    status = Gate(
        batch_status=BatchStatus(facts.status),
        is_account_frozen=facts.is_account_frozen,
        is_parent_frozen=facts.is_parent_frozen,
        is_installation_frozen=facts.is_installation_frozen,
    ).status
    if status is GateStatus.CANCELLED:
        return Reason(WaitKind.CANCELLED, "It is cancelled. Its mail is about to be discarded.")
    if status is GateStatus.FROZEN:
        return Reason(WaitKind.FROZEN, _describe_freeze(facts))
    if status is GateStatus.PAUSED:
        until = f" until {write(facts.paused_until)}" if facts.paused_until else ""
        return Reason(WaitKind.PAUSED, f"It is paused{until}.")
    if facts.is_held:
        text = "Mail is held because it is later than its account allows. A person has to replay or drop it."
        return Reason(WaitKind.HELD, text)
    return None


def _describe_freeze(facts: Facts) -> str:
    if facts.is_installation_frozen:
        return "The installation is frozen."
    if facts.is_parent_frozen:
        return f"The account {facts.parent}, to which its account belongs, is frozen."
    return f"The account {facts.username} is frozen."


def _find_pace(facts: Facts) -> Reason | None:
    """Return why a campaign that has begun has no more mail that is due, unless due mail waits for something else."""
    if not facts.has_begun or facts.is_late:
        return None
    if not facts.is_complete and not facts.has_due:
        return Reason(WaitKind.AUDIENCE, f"Its audience is being prepared: {facts.recipients:,} messages so far.")
    if facts.next_at is None:
        return None
    opens_at = _find_opening(facts)
    if opens_at is not None:
        return Reason(WaitKind.WINDOW, f"Its sending window is closed until {write(opens_at)}.")
    if facts.spread_seconds and not facts.rate_per_minute and not facts.account_rate:
        return Reason(WaitKind.RATE, f"It is spread over {facts.spread_seconds / 60:,.0f} minutes.")
    rates = {facts.rate_per_minute: "It", facts.account_rate: "Its account"}
    rate = min((rate for rate in rates if rate), default=None)
    if rate is None:
        return None
    return Reason(WaitKind.RATE, f"{rates[rate]} sends at most {rate:,} messages a minute.")


def _find_opening(facts: Facts) -> dt.datetime | None:
    """Return when the closed window of a campaign opens; None if it is open, and without a window."""
    if not facts.window:
        return None
    try:
        opens_at = Window.from_json(json.loads(facts.window)).after(facts.now)
    except NeverOpen:
        return None
    return opens_at if opens_at > facts.now else None


def _find_obstacle(facts: Facts, processes: Collection[Process], trouble: Mapping[str, PeerTrouble]) -> Reason | None:
    """Return what keeps the workers from sending mail that is due."""
    if not facts.workers and not facts.is_claimed:
        return Reason(WaitKind.NO_WORKER, "No node with delivering worker processes is alive.")
    if "refuses" in trouble:
        return Reason(WaitKind.PEER_AWAY, trouble["refuses"].text)
    batch_processes = [process for process in processes if facts.id in process.batches]
    concerned = batch_processes or [process for process in processes if process.is_sending]
    if concerned and all(process.is_hanging for process in concerned):
        since = min(process.silent_since or facts.now for process in concerned)
        seconds = int((facts.now - since).total_seconds())
        return Reason(WaitKind.PEER_SILENT, f"The peer has not answered for {seconds:,} s.")
    if any(facts.id in process.slow_batches and _is_recent(process) for process in processes):
        text = "The peer is slow to answer its mail, which is therefore sent apart from other mail."
        return Reason(WaitKind.PEER_SLOW, text)
    return None


def _is_recent(process: Process) -> bool:
    """Return whether what a process reported about slow batches still counts."""
    return process.reported_at is not None and process.now - process.reported_at < dt.timedelta(
        seconds=SLOW_FOR_SECONDS
    )


def _find_place(facts: Facts, queue: Queue | None) -> Reason:
    """Return the reason of mail that only waits for other mail or for its next time."""
    if facts.is_claimed:
        return Reason(WaitKind.SENDING, "It is being sent now.")
    if facts.due_since is not None:
        return Reason(WaitKind.QUEUE, _describe_queue(queue))
    if facts.overdue_since is not None or facts.is_retained:
        return Reason(WaitKind.RELEASE, "It has just become due, and is about to be given to the workers.")
    if facts.retry_at is not None:
        text = f"The peer refused it temporarily. It is tried again at {write(facts.retry_at)}."
        return Reason(WaitKind.RETRY, text)
    return Reason(WaitKind.LATER, f"Its next mail is due at {write(facts.next_at)}.")


def _describe_queue(queue: Queue | None) -> str:
    if queue is None or (not queue.messages and queue.accounts <= 1):
        return "It is the next to be sent."
    turns = ""
    if queue.accounts > 1:
        number = f"{queue.accounts:,}" if queue.accounts <= ACCOUNTS_COUNTED else f"more than {ACCOUNTS_COUNTED}"
        turns = f"{number} accounts take turns"
    if not queue.messages:
        return f"It is the next of its account; {turns}."
    if queue.is_exact and queue.messages == 1:
        before = "One message of its account is before it"
    else:
        more = "" if queue.is_exact else " or more"
        before = f"{queue.messages:,}{more} messages of its account are before it"
    return f"{before}; {turns}." if turns else f"{before}."


def write(moment: dt.datetime | None) -> str:
    """Return a time for the text of a reason."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"


def _read_facts(batch_ids: list[int]) -> list[Facts]:
    parameters = {"batches": batch_ids, "parcels": PARCELS_READ, "silence": NODE_SILENCE.total_seconds()}
    return [Facts(**row) for row in fetch_rows(waiting_queries.FACTS, parameters)]


def _read_queues(waiting: list[Facts]) -> dict[int, Queue]:
    """Return the queues before these batches, by batch id. Transactional mail of other accounts is not counted."""
    places = {(facts.account_id, facts.lane or int(Lane.TRANSACTIONAL)) for facts in waiting}
    if not places:
        return {}
    parameters = {
        "accounts": [account for account, _ in places],
        "lanes": [lane for _, lane in places],
        "parcels": max(1, QUEUE_READ // len(places)),
        "accounts_counted": ACCOUNTS_COUNTED,
    }
    rows = fetch_rows(waiting_queries.QUEUES, parameters)
    placed = {row["batch_id"]: Queue(row["before"], True, row["accounts"]) for row in rows}
    behind = {(row["account_id"], row["lane"]): Queue(row["total"], False, row["accounts"]) for row in rows}
    return {
        facts.id: queue
        for facts in waiting
        if (queue := placed.get(facts.id) or behind.get((facts.account_id, facts.lane or int(Lane.TRANSACTIONAL))))
    }
