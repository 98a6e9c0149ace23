"""Define the statuses of a campaign and the moves between them, as pure data.

`docs/lifecycle.md` draws `CAMPAIGN_MOVES`, and a test compares the two. Every move is an UPDATE under the campaign's
row lock that is guarded by the old status.
"""

from __future__ import annotations

from django.db import models


class CampaignStatus(models.IntegerChoices):
    """The status of a campaign. Each comment names the moves that lead in and out."""

    DRAFT = 0, "draft"
    """In: create, duplicate, unschedule. Out: schedule, send now."""
    SCHEDULED = 1, "scheduled"
    """In: schedule, and send now with an undo window.

    Out: unschedule, cancel; begin, when its time comes; fail, if it is not ready then.
    """
    QUEUED = 2, "queued"
    """In: send now, begin. Its audience is about to become messages.

    Out: begin, with the first message; pause, cancel; fail, if the audience is empty.
    """
    SENDING = 3, "sending"
    """In: begin, resume. Out: pause, cancel; finish, when every message has an outcome."""
    PAUSED = 4, "paused"
    """In: pause. Its unsent mail is retained, and its audience becomes no more messages.

    Out: resume, cancel; finish, when all retained mail has expired.
    """
    SENT = 5, "sent"
    """In: finish. Final."""
    FAILED = 6, "failed"
    """In: fail, with the reason; none of its mail was sent. Out: schedule, send now."""
    CANCELLED = 7, "cancelled"
    """In: cancel. Final: its unsent mail is never sent."""


FINAL_STATUSES = frozenset({CampaignStatus.SENT, CampaignStatus.CANCELLED})

RUNNING = frozenset({CampaignStatus.QUEUED, CampaignStatus.SENDING, CampaignStatus.PAUSED})
"""The statuses in which a campaign has a batch that is being sent."""

BEGINNING = frozenset({CampaignStatus.SCHEDULED, CampaignStatus.QUEUED})
"""The statuses in which a campaign may have begun before its row shows it (`HAS_BEGUN` in `models.py`)."""

CAMPAIGN_MOVES: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    CampaignStatus.DRAFT: frozenset({CampaignStatus.SCHEDULED, CampaignStatus.QUEUED}),
    CampaignStatus.SCHEDULED: frozenset(
        {
            CampaignStatus.DRAFT,
            CampaignStatus.QUEUED,
            CampaignStatus.SENDING,
            CampaignStatus.FAILED,
            CampaignStatus.CANCELLED,
        }
    ),
    CampaignStatus.QUEUED: frozenset(
        {CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.FAILED, CampaignStatus.CANCELLED}
    ),
    CampaignStatus.SENDING: frozenset({CampaignStatus.PAUSED, CampaignStatus.SENT, CampaignStatus.CANCELLED}),
    CampaignStatus.PAUSED: frozenset({CampaignStatus.SENDING, CampaignStatus.SENT, CampaignStatus.CANCELLED}),
    CampaignStatus.FAILED: frozenset({CampaignStatus.SCHEDULED, CampaignStatus.QUEUED}),
    CampaignStatus.SENT: frozenset(),
    CampaignStatus.CANCELLED: frozenset(),
}


def statuses_before(target: CampaignStatus) -> frozenset[CampaignStatus]:
    """Return the statuses from which a campaign may move to `target`."""
    return frozenset(status for status, moves in CAMPAIGN_MOVES.items() if target in moves)
