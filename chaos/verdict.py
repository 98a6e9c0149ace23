"""Judge the promises by the journal, the ledger and the stored state."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from chaos.arrived import ComparedEvents
from chaos.journal import Journal
from chaos.ledger import Arrival
from chaos.truth import COUNTERS, Message, StoredReceipt, Truth

EXAMPLES = 5
"""The number of examples in a breach."""


@dataclass
class Verdict:
    """The breaches by kind; without any, all promises were kept."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    sent_after_settled_stop: list[str] = field(default_factory=list)
    sent_in_doubt: list[str] = field(default_factory=list)
    """Messages that arrived after a settled stop and are named in its receipt, which is allowed."""
    breaches: list[str] = field(default_factory=list)
    miscounted: list[str] = field(default_factory=list)
    """Counters over time that differ from the stored events."""
    wrong_figures: list[str] = field(default_factory=list)
    """Figures on pages that differ from the stored numbers."""
    events: ComparedEvents = field(default_factory=ComparedEvents)
    """The events that arrived at the receivers of webhooks, compared with those that are stored."""
    lateness: list[tuple[float, float]] = field(default_factory=list)
    """Each due time (on the monotonic clock), with the milliseconds until the arrival."""


def judge(journal: Journal, arrivals: dict[str, list[Arrival]], truth: Truth) -> Verdict:
    """Judge everything at once, when the system is quiet."""
    verdict = Verdict(breaches=list(journal.breaches))
    verdict.doubled = [recipient for recipient, recipient_arrivals in arrivals.items() if len(recipient_arrivals) > 1]
    judge_accepts(journal, truth, verdict)
    judge_states(arrivals, truth, verdict)
    judge_stops(journal, arrivals, truth, verdict)
    judge_lateness(journal, arrivals, verdict)
    return verdict


def judge_accepts(journal: Journal, truth: Truth, verdict: Verdict) -> None:
    """Judge G1: a 202 is stored completely, and any other request completely or not at all."""
    for request in journal.requests:
        stored = [truth.messages[recipient] for recipient in request.recipients() if recipient in truth.messages]
        if request.message_id:
            verdict.lost += [recipient for recipient in request.recipients() if recipient not in truth.messages]
            if any(message.mail != request.message_id for message in stored):
                verdict.breaches.append(f"request {request.number} is stored under another X-Message-Id")
        elif len(stored) not in {0, request.size}:
            verdict.breaches.append(f"request {request.number} is stored partly: {len(stored)} of {request.size}")


def judge_states(arrivals: dict[str, list[Arrival]], truth: Truth, verdict: Verdict) -> None:
    """Judge G2: one state per message, which the counters and the peer agree with."""
    verdict.lost += [
        message.recipient
        for message in truth.messages.values()
        if not message.state or (message.state == "sent" and message.recipient not in arrivals)
    ]
    misreported = [
        f"{message.recipient} ({message.state})"
        for message in truth.messages.values()
        if message.recipient in arrivals and message.state not in {"sent", "in_doubt"}
    ]
    if misreported:
        verdict.breaches.append(f"{len(misreported)} were sent with another state: {misreported[:EXAMPLES]}")
    refused = [message.recipient for message in truth.messages.values() if message.state == "refused"]
    if refused:
        verdict.breaches.append(f"{len(refused)} are refused, but the peer refuses no message: {refused[:EXAMPLES]}")
    if unknown := arrivals.keys() - truth.messages.keys():
        verdict.breaches.append(f"{len(unknown)} were sent that are not stored: {sorted(unknown)[:EXAMPLES]}")
    states = truth.states
    wrong = {name: (truth.counters[name], states[name]) for name in COUNTERS if truth.counters[name] != states[name]}
    if wrong:
        verdict.breaches.append(f"counters and messages disagree (counted, true): {wrong}")


def judge_stops(journal: Journal, arrivals: dict[str, list[Arrival]], truth: Truth, verdict: Verdict) -> None:
    """Judge G3: no message is sent between a settled stop and the next request to resume."""
    answers = {stop.receipt: stop for stop in journal.stops}
    batches = defaultdict(list)
    for message in truth.messages.values():
        batches[message.batch].append(message)
    for receipt in truth.receipts:
        if receipt.settled_at is None:
            verdict.breaches.append(f"receipt {receipt.public_id} was never settled")
            continue
        since = journal.monotonic(receipt.settled_at.timestamp())
        if (answer := answers.pop(receipt.public_id, None)) and answer.is_settled:
            since = answer.answered_at
            if answer.sent != receipt.sent:
                verdict.breaches.append(
                    f"receipt {receipt.public_id} has {receipt.sent} sent, its answer {answer.sent}"
                )
        until = journal.next_resume(receipt.batch, journal.monotonic(receipt.created_at.timestamp()))
        if since < until:
            judge_stop(receipt, batches[receipt.batch], arrivals, verdict, since=since, until=until)
    if answers:
        verdict.breaches.append(f"{len(answers)} receipts of answers are not stored")


def judge_stop(
    receipt: StoredReceipt,
    messages: list[Message],
    arrivals: dict[str, list[Arrival]],
    verdict: Verdict,
    *,
    since: float,
    until: float,
) -> None:
    """Judge one settled stop: its receipt equals the peer's count, except for some messages in doubt."""
    before = 0
    for message in messages:
        recipient_arrivals = arrivals.get(message.recipient, ())
        before += any(arrival.at <= since for arrival in recipient_arrivals)
        if any(since < arrival.at < until for arrival in recipient_arrivals):
            is_named = message.id in receipt.doubtful
            (verdict.sent_in_doubt if is_named else verdict.sent_after_settled_stop).append(message.recipient)
    if not receipt.sent <= before <= receipt.sent + receipt.in_doubt:
        counts = f"{receipt.sent} sent and {receipt.in_doubt} in doubt"
        verdict.breaches.append(f"receipt {receipt.public_id} has {counts}, but the peer had {before}")


def judge_lateness(journal: Journal, arrivals: dict[str, list[Arrival]], verdict: Verdict) -> None:
    """Judge the time from `send_at` to the arrival, for mail that was not stopped. Early mail is a breach."""
    early = []
    for request in journal.requests:
        for recipient in request.recipients():
            if recipient not in arrivals:
                continue
            late = min(arrival.at for arrival in arrivals[recipient]) - journal.monotonic(request.send_at)
            if late < -0.01:
                early.append(recipient)
            if request.batch_id not in journal.stopped_batches:
                verdict.lateness.append((journal.monotonic(request.send_at), late * 1000))
    if early:
        verdict.breaches.append(f"{len(early)} were sent before their time: {early[:EXAMPLES]}")
