"""What can stand in the way of a caller who makes, schedules, stops or deletes a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from campaigns.states import CampaignStatus
from foundation.errors import SluiceError

if TYPE_CHECKING:
    from campaigns.readiness import Lack


class UnknownCampaign(SluiceError):
    """The account has no campaign of that id. Another account's id, and a deleted one's, behave the same."""

    code = "unknown_campaign"


class CampaignConflict(SluiceError):
    """The campaign is not in a status from which the caller's dialect allows this move: `status` says in which."""

    code = "campaign_conflict"

    def __init__(self, status: CampaignStatus) -> None:
        super().__init__(f"the campaign is {status.label}")
        self.status = status


class TransitionInProgress(SluiceError):
    """Another change of this campaign is being committed at this moment: nothing was changed, ask again."""

    code = "transition_in_progress"


class NotReady(SluiceError):
    """The campaign cannot be sent as it is: `lacks` says what is missing, all of it."""

    code = "not_ready"

    def __init__(self, lacks: Sequence[Lack]) -> None:
        super().__init__("; ".join(lack.label for lack in lacks))
        self.lacks = tuple(lacks)


class TimeIsPast(SluiceError):
    """A campaign shall be scheduled for a time that has passed."""

    code = "time_is_past"


class UnknownPart(SluiceError):
    """The campaign names lists, segments, a sender or a group that the account does not have; `field` says which."""

    code = "unknown_part"


class CampaignLimit(SluiceError):
    """The account has as many campaigns as `CAMPAIGNS_LIMIT` allows."""

    code = "campaign_limit_reached"


class TooManyTests(SluiceError):
    """A test goes to ten addresses at most."""

    code = "too_many_tests"
