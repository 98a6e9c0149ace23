"""Describe receipts in words: a sentence about what was done, and the figures that matter for it."""

from __future__ import annotations

from batches.admin.asking import Figure
from batches.models import Receipt
from foundation.admin import mark_numbers

Action = Receipt.Action

LETS_GO = frozenset({Action.RESUME, Action.THAW})
DONE_TO: dict[str, str] = {
    Action.PURGE: "Discarded",
    Action.RESCHEDULE: "Rescheduled",
    Action.REPLAY: "Replayed",
    Action.DROP: "Dropped",
}
"""The names of what `affected` counts, for the actions that have it."""


def describe_receipt(receipt: Receipt) -> str:
    """Return what the action has done, in one or two sentences."""
    if not receipt.is_settled:
        return mark_numbers(
            f"The stop is in effect: no worker begins another message of {name_scope(receipt)}. {receipt.in_flight:,} "
            "messages were being sent at the last check. The counts are not final yet.",
            f"receipt:{receipt.pk}:in_flight",
        )
    if receipt.selection:
        return _say_of_selection(receipt)
    return _say_of_message(receipt) if receipt.message_id is not None else _say_of_many(receipt)


def _say_of_selection(receipt: Receipt) -> str:
    if receipt.action == Action.CANCEL:
        return "The messages that were stopped are not sent. Other mail, also of the same batches, is unchanged."
    return _say_of_many(receipt)


def _say_of_message(receipt: Receipt) -> str:
    if receipt.action == Action.RESCHEDULE:
        return "The message has a new send_at. The rest of its batch is unchanged."
    if receipt.stopped:
        return "The message is stopped and will not be sent. The rest of its batch is unchanged."
    if receipt.sent:
        return "It was too late: the message had already been sent."
    if receipt.in_doubt:
        return "The message will not be sent again, but it may have been sent before: it is in doubt."
    return "There was nothing to stop: the message had already ended without being sent."


def _say_of_many(receipt: Receipt) -> str:
    scope = name_scope(receipt)
    match receipt.action:
        case Action.RESUME | Action.THAW:
            return (
                f"Mail of {scope} is sent again, unless something else is paused or frozen. Retained mail is sent as "
                "fast as the workers can."
            )
        case Action.PURGE:
            return (
                f"All mail that {scope} had to send at the time of the purge is discarded, and stays so after a thaw. "
                "Messages that a worker gives back later are discarded, too."
            )
        case Action.RESCHEDULE:
            return f"Waiting mail of {scope} has a new send_at."
        case Action.REPLAY if receipt.affected:
            return "The messages are due now, and are sent as fast as the workers can unless their batch is stopped."
        case Action.DROP if receipt.affected:
            return "The messages are not sent; those in doubt are not sent again."
        case Action.REPLAY | Action.DROP:
            return "Nothing was changed: the messages were not in hand any more, or have to stay there for now."
        case Action.FREEZE:
            return f"No more mail of {scope} is sent until the thaw. The counts are exact."
    return f"No more mail of {scope} is sent. The counts are exact."


def name_scope(receipt: Receipt) -> str:
    """Return the subject of the receipt, as a part of a sentence."""
    if receipt.message_id is not None:
        return "this message"
    if receipt.selection:
        return "the selected messages"
    if receipt.batch is not None:
        kind = "campaign" if receipt.batch.is_campaign else "batch"
        return f"the {kind} “{receipt.batch.label}”" if receipt.batch.label else f"this {kind}"
    return f"{receipt.account} and its subusers" if receipt.account is not None else "the whole installation"


def figures_of(receipt: Receipt) -> list[Figure]:
    """Return the numbers to show; a receipt about one message has none."""
    if receipt.message_id is not None:
        return []
    key = f"receipt:{receipt.pk}"
    if receipt.selection:
        if receipt.action == Action.CANCEL:
            return [
                Figure("Stopped", receipt.stopped, key=f"{key}:stopped"),
                Figure("In doubt", receipt.in_doubt, key=f"{key}:in_doubt"),
            ]
        return [Figure(DONE_TO[receipt.action], receipt.affected, key=f"{key}:affected")]
    if not receipt.is_settled:
        return [Figure("In flight", receipt.in_flight, key=f"{key}:in_flight")]
    sent = Figure("Sent before", receipt.sent, key=f"{key}:sent")
    in_doubt = Figure("In doubt", receipt.in_doubt, key=f"{key}:in_doubt")
    if receipt.action in DONE_TO:
        waiting = Figure("Still waiting", max(receipt.stopped - receipt.ended, 0), key=f"{key}:still_waiting")
        return [Figure(DONE_TO[receipt.action], receipt.affected, key=f"{key}:affected"), sent, waiting, in_doubt]
    if receipt.action in LETS_GO:
        not_sent = Figure("Not sent", receipt.stopped, note="of these, ended permanently:", key=f"{key}:not_sent")
        ended = Figure("Discarded, expired, stopped", receipt.ended, key=f"{key}:ended")
        return [sent, not_sent, ended, in_doubt]
    return [sent, _stopped(receipt), Figure("In flight", receipt.in_flight, key=f"{key}:in_flight"), in_doubt]


def _stopped(receipt: Receipt) -> Figure:
    before, key = receipt.ended_before, f"receipt:{receipt.pk}"
    note = mark_numbers(f"{before:,} more had ended before", f"{key}:ended_before") if before else ""
    return Figure("Stopped", receipt.newly_stopped, note, key=f"{key}:stopped")
