"""The statuses of a campaign, and the moves between them: pure data.

`docs/lifecycle.md` draws `CAMPAIGN_MOVES`; a test compares the two. Every move is an UPDATE under the campaign's row
lock, guarded by the status it leaves.
"""

from __future__ import annotations

from django.db import models


class CampaignStatus(models.IntegerChoices):
    """What a campaign is doing. In the comments: who moves one in, who out."""

    DRAFT = 0, "draft"
    """In: create, duplicate, unschedule. Out: schedule, send now."""
    SCHEDULED = 1, "scheduled"
    """In: schedule, and send now with an undo window. Out: unschedule, cancel; begin, at its time; fail, when it is not
    ready then."""
    QUEUED = 2, "queued"
    """In: send now, begin. Its audience is about to become messages. Out: begin, with the first of them; pause, cancel;
    fail, when there is nobody to send to."""
    SENDING = 3, "sending"
    """In: begin, resume. Out: pause, cancel; finish, when every message has an outcome."""
    PAUSED = 4, "paused"
    """In: pause. What has not left is retained, and no more of the audience becomes messages. Out: resume, cancel;
    finish, when all that was retained has expired."""
    SENT = 5, "sent"
    """In: finish. Final."""
    FAILED = 6, "failed"
    """In: fail, with the reason; nothing of it has left. Out: schedule, send now."""
    CANCELED = 7, "canceled"
    """In: cancel. Final: what had not left never will."""


FINAL_STATUSES = frozenset({CampaignStatus.SENT, CampaignStatus.CANCELED})

RUNNING = frozenset({CampaignStatus.QUEUED, CampaignStatus.SENDING, CampaignStatus.PAUSED})
"""In these, a campaign has a batch and is on its way."""

BEGINNING = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.QUEUED})
"""In these, a campaign may have begun before its row says so (`HAS_BEGUN` in `models.py`)."""

CAMPAIGN_MOVES: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    CampaignStatus.DRAFT: frozenset({CampaignStatus.SCHEDULED, CampaignStatus.QUEUED}),
    CampaignStatus.SCHEDULED: frozenset(
        {
            CampaignStatus.DRAFT,
            CampaignStatus.QUEUED,
            CampaignStatus.SENDING,
            CampaignStatus.FAILED,
            CampaignStatus.CANCELED,
        }
    ),
    CampaignStatus.QUEUED: frozenset(
        {CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.FAILED, CampaignStatus.CANCELED}
    ),
    CampaignStatus.SENDING: frozenset({CampaignStatus.PAUSED, CampaignStatus.SENT, CampaignStatus.CANCELED}),
    CampaignStatus.PAUSED: frozenset({CampaignStatus.SENDING, CampaignStatus.SENT, CampaignStatus.CANCELED}),
    CampaignStatus.FAILED: frozenset({CampaignStatus.SCHEDULED, CampaignStatus.QUEUED}),
    CampaignStatus.SENT: frozenset(),
    CampaignStatus.CANCELED: frozenset(),
}


def leaves_for(target: CampaignStatus) -> frozenset[CampaignStatus]:
    """The statuses from which a campaign may move to `target`."""
    return frozenset(status for status, moves in CAMPAIGN_MOVES.items() if target in moves)
