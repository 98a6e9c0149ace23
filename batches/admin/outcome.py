"""Receipts in words: a sentence for what was done and found, and the figures that matter for it."""

from __future__ import annotations

from batches.admin.asking import Figure
from batches.models import Receipt

Action = Receipt.Action

LETS_GO = frozenset({Action.RESUME, Action.THAW})
DONE_TO: dict[str, str] = {
    Action.PURGE: "Discarded",
    Action.RESCHEDULE: "Rescheduled",
    Action.REPLAY: "Let go",
    Action.DROP: "Dropped",
}
"""The names of what `affected` counts, for the actions that have it."""


def say_outcome(receipt: Receipt) -> str:
    """Return the outcome of the action, in one or two sentences."""
    if not receipt.is_settled:
        return (
            f"It is stopped, and no worker begins a message of {name_scope(receipt)} any more. {receipt.in_flight:,} "
            "messages were in workers' hands when it was last looked at; this page loads itself again until the counts "
            "are final."
        )
    return _say_of_message(receipt) if receipt.message_id is not None else _say_of_many(receipt)


def _say_of_message(receipt: Receipt) -> str:
    if receipt.action == Action.RESCHEDULE:
        return "The message has another send_at now. The rest of its batch is untouched."
    if receipt.stopped:
        return "The message is stopped: it never leaves. The rest of its batch is untouched."
    if receipt.sent:
        return "It was too late: the message had been sent before."
    if receipt.in_doubt:
        return "The message will not be sent again, but it may have left before: it is in doubt."
    return "There was nothing to stop: the message had ended unsent before."


def _say_of_many(receipt: Receipt) -> str:
    scope = name_scope(receipt)
    match receipt.action:
        case Action.RESUME:
            return "The batch is open again. What was retained leaves at the fleet's pace."
        case Action.THAW:
            return f"The mail of {scope} may leave again. What was retained leaves at the fleet's pace."
        case Action.PURGE:
            return (
                f"What {scope} had to send when this was asked for is discarded, and stays so after a thaw. What a "
                "worker gives back later is discarded, too."
            )
        case Action.RESCHEDULE:
            return f"What waited in {scope} has another send_at now."
        case Action.REPLAY if receipt.affected:
            return "They are due now, and leave at the fleet's pace unless their batch is stopped."
        case Action.DROP if receipt.affected:
            return "They are never sent; those in doubt never again."
        case Action.REPLAY | Action.DROP:
            return "Nothing was changed: nothing of it was in hand any more, or it has to stay there for now."
        case Action.FREEZE:
            return f"Nothing more of {scope} leaves until the thaw. The counts are exact."
    return f"Nothing more of {scope} leaves. The counts are exact."


def name_scope(receipt: Receipt) -> str:
    """Return the subject of the receipt, as a part of a sentence."""
    if receipt.message_id is not None:
        return "this message"
    if receipt.batch_id is not None:
        return "this batch"
    return "this account and its subusers" if receipt.account_id is not None else "the whole installation"


def figures_of(receipt: Receipt) -> list[Figure]:
    """Return the numbers to show; a receipt about one message has none."""
    if receipt.message_id is not None:
        return []
    if not receipt.is_settled:
        return [Figure("In flight", receipt.in_flight)]
    sent, in_doubt = Figure("Sent before", receipt.sent), Figure("In doubt", receipt.in_doubt)
    if receipt.action in DONE_TO:
        waiting = Figure("Still waiting", max(receipt.stopped - receipt.ended, 0))
        return [Figure(DONE_TO[receipt.action], receipt.affected), sent, waiting, in_doubt]
    if receipt.action in LETS_GO:
        not_sent = Figure("Not sent", receipt.stopped, note="of these, ended for good:")
        return [sent, not_sent, Figure("Discarded, expired, stopped", receipt.ended), in_doubt]
    return [sent, Figure("Stopped", receipt.stopped), Figure("In flight", receipt.in_flight), in_doubt]
