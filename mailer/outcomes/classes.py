"""Judge the reply of a peer: why it refused or deferred a message, and what follows for the recipient."""

from __future__ import annotations

from typing import NamedTuple

from mailer.models import Classification, SuppressionKind
from mailer.suppressions.bounces import hard_status


class Judgement(NamedTuple):
    """The reason for a refusal or deferral, the list that the recipient is put on, and the enhanced status code."""

    classification: Classification
    suppression: SuppressionKind | None = None
    status: str = ""


def judge_reply(reply: str, *, is_of_recipient: bool, recipient: str = "") -> Judgement:
    """Return the judgement of a negative reply; `is_of_recipient`: the peer refused this recipient alone."""
    status = hard_status(reply) if is_of_recipient else ""
    if status:
        return Judgement(Classification.INVALID_ADDRESS, SuppressionKind.BOUNCE, status)
    return Judgement(Classification.UNCLASSIFIED)
