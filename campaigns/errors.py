"""Errors of campaigns and of their senders."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from campaigns.states import CampaignStatus
from foundation.errors import SluiceError


class UnknownCampaign(SluiceError):
    """The account has no campaign of that id. Another account's id, and a deleted one's, behave the same."""

    code = "unknown_campaign"


class CampaignConflict(SluiceError):
    """The campaign is not in a status from which the caller's dialect allows this move: `status` says in which."""

    code = "campaign_conflict"
    status: CampaignStatus = CampaignStatus.DRAFT

    def __init__(self, status: CampaignStatus) -> None:
        super().__init__(f"the campaign is {status.label}")
        self.status = status


class TransitionInProgress(SluiceError):
    """Another change of this campaign is being committed at this moment: nothing was changed, ask again."""

    code = "transition_in_progress"


class Lack(Enum):
    """Something that is missing, or that may not be used."""

    SUBJECT = "a subject"
    SENDER = "a sender"
    SENDER_VERIFICATION = "a sender whose address is verified"
    FROM_NAME = "a name of its sender"
    CONTENT = "content"
    AUDIENCE = "a list or a segment"
    UNSUBSCRIBE_CHOICE = "an unsubscribe group or a link of its own"
    UNSUBSCRIBE_TAG = "the tag of the unsubscribe link in all its content"

    @property
    def label(self) -> str:
        return f"the campaign lacks {self.value}"


class NotReady(SluiceError):
    """The campaign cannot be sent as it is: `lacks` says what is missing, all of it."""

    code = "not_ready"
    lacks: tuple[Lack, ...] = ()

    def __init__(self, lacks: Sequence[Lack]) -> None:
        super().__init__("; ".join(lack.label for lack in lacks))
        self.lacks = tuple(lacks)


class TimeIsPast(SluiceError):
    """A campaign shall be scheduled for a time that has passed."""

    code = "time_is_past"


class UnknownPart(SluiceError):
    """The campaign names lists, segments, a sender or a group that the account does not have; `fields` says which."""

    code = "unknown_part"
    fields: tuple[str, ...] = ()

    def __init__(self, *fields: str) -> None:
        super().__init__(field=fields[0])
        self.fields = fields


class UnverifiedSender(SluiceError):
    """The campaign names a sender whose address is not verified, in a dialect that does not take such a one."""

    code = "unverified_sender"


class TwoUnsubscribeLinks(SluiceError):
    """The campaign would have both an unsubscribe group and a link of its own."""

    code = "two_unsubscribe_links"


class FixedField(SluiceError):
    """What the caller's dialect fixes when a campaign is made would change; `field` says what."""

    code = "fixed_field"


class ForeignContent(SluiceError):
    """Markdown would replace content that was written otherwise, and the caller has not said that it may."""

    code = "foreign_content"


class UndeliveredTest(SluiceError):
    """A test did not leave, and will not: the text is what the mail system said."""

    code = "test_failed"


class CampaignLimit(SluiceError):
    """The account has as many campaigns as `CAMPAIGNS_LIMIT` allows."""

    code = "campaign_limit_reached"


class TooManyTests(SluiceError):
    """A test goes to ten addresses at most."""

    code = "too_many_tests"


class SenderProblem(Enum):
    """What can be wrong with a part of a sender."""

    MISSING = "missing"
    INVALID = "invalid"
    TAKEN = "taken"


class WrongPart(NamedTuple):
    """A part of a sender, by the name of its column, and what is wrong with it."""

    part: str
    problem: SenderProblem


class InvalidSender(SluiceError):
    """A sender cannot be as it was given: `wrong` says why, all of it."""

    code = "invalid_sender"
    wrong: tuple[WrongPart, ...] = ()

    def __init__(self, wrong: Sequence[WrongPart]) -> None:
        super().__init__(", ".join(f"{part}: {problem.value}" for part, problem in wrong), field=wrong[0].part)
        self.wrong = tuple(wrong)


class UnknownSender(SluiceError):
    """The account has no sender of that id."""

    code = "unknown_sender"


class SenderLimitReached(SluiceError):
    """The account has as many senders as `SENDERS_LIMIT` allows."""

    code = "sender_limit_reached"


class SenderLocked(SluiceError):
    """A campaign that is a draft, scheduled or in progress uses the sender."""

    code = "sender_locked"


class VerificationLimitReached(SluiceError):
    """The address was mailed as many verification links in the last hour as one sender may have."""

    code = "verification_limit_reached"


class SenderVerified(SluiceError):
    """The sender is verified, so there is nothing to be mailed."""

    code = "sender_verified"
