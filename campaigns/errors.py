"""Define the errors of campaigns and of their senders."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from campaigns.states import CampaignStatus
from foundation.errors import SluiceError


class UnknownCampaign(SluiceError):
    """The account has no campaign of that id. A deleted one, or one of another account, gives the same error."""

    code = "unknown_campaign"


class CampaignConflict(SluiceError):
    """The API does not allow this move from the campaign's current `status`."""

    code = "campaign_conflict"
    status: CampaignStatus = CampaignStatus.DRAFT

    def __init__(self, status: CampaignStatus) -> None:
        super().__init__(f"the campaign is {status.label}")
        self.status = status


class TransitionInProgress(SluiceError):
    """Another change of this campaign is being committed at this moment. Nothing was changed; try again."""

    code = "transition_in_progress"


class Need(Enum):
    """The things that a campaign may be missing."""

    SUBJECT = "a subject"
    SENDER = "a sender"
    SENDER_VERIFICATION = "a sender whose address is verified"
    FROM_NAME = "a sender name"
    CONTENT = "content"
    AUDIENCE = "a list or a segment"
    UNSUBSCRIBE_CHOICE = "an unsubscribe group or a custom link"
    UNSUBSCRIBE_TAG = "the tag of the unsubscribe link in both HTML and plain text"

    @property
    def label(self) -> str:
        return f"the campaign needs {self.value}"


class NotReady(SluiceError):
    """The campaign cannot be sent yet: `missing` lists everything that is missing."""

    code = "not_ready"
    missing: tuple[Need, ...] = ()

    def __init__(self, missing: Sequence[Need]) -> None:
        super().__init__("; ".join(need.label for need in missing))
        self.missing = tuple(missing)


class InvalidContent(SluiceError):
    """A text of the campaign has a template or a tag that cannot be sent; `field` names the text.

    `line` and `column` begin with 1; both are 0 where the place is not in the text as the caller wrote it. `helper` is
    the helper of Handlebars that is used wrongly or does not exist, or empty for other errors.
    """

    code = "invalid_content"
    line: int = 0
    column: int = 0
    helper: str | None = None

    def __init__(self, reason: str, *, field: str, line: int = 0, column: int = 0, helper: str | None = None) -> None:
        super().__init__(f"line {line}, column {column}: {reason}" if line else reason, field=field)
        self.line = line
        self.column = column
        self.helper = helper

    def text_with(self, name: str | None = None) -> str:
        """Return the text of the error behind the name of its field, which an API may call differently."""
        return f"{name or self.field}{', ' if self.line else ': '}{self}"


class TimeIsPast(SluiceError):
    """A campaign cannot be scheduled for a time that has passed."""

    code = "time_is_past"


class UnknownPart(SluiceError):
    """The campaign refers to lists, segments, a sender or a group that do not exist; `fields` names them."""

    code = "unknown_part"
    fields: tuple[str, ...] = ()

    def __init__(self, *fields: str) -> None:
        super().__init__(field=fields[0])
        self.fields = fields


class UnverifiedSender(SluiceError):
    """The campaign refers to a sender whose address is not verified, which this API does not allow."""

    code = "unverified_sender"


class TwoUnsubscribeLinks(SluiceError):
    """The campaign would have both an unsubscribe group and a custom link."""

    code = "two_unsubscribe_links"


class FixedField(SluiceError):
    """The API does not allow a change of this `field` after the campaign was created."""

    code = "fixed_field"


class ForeignContent(SluiceError):
    """Markdown would replace content that was not written as Markdown, and the caller has not allowed it."""

    code = "foreign_content"


class UndeliveredTest(SluiceError):
    """A test was not sent and will not be. The text is the answer of the mail system."""

    code = "test_failed"


class CampaignLimit(SluiceError):
    """The account has as many campaigns as `CAMPAIGNS_LIMIT` allows."""

    code = "campaign_limit_reached"


class TooManyTests(SluiceError):
    """A test can be sent to ten addresses at most."""

    code = "too_many_tests"


class SenderProblem(Enum):
    """The problems that a part of a sender can have."""

    MISSING = "missing"
    INVALID = "invalid"
    TAKEN = "taken"


class WrongPart(NamedTuple):
    """A part of a sender, named by its column, with its problem."""

    part: str
    problem: SenderProblem


class InvalidSender(SluiceError):
    """A sender cannot be stored: `wrong` lists all problems."""

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
    """The address was mailed as many verification links in the last hour as one address may get."""

    code = "verification_limit_reached"


class SenderVerified(SluiceError):
    """The sender is verified already, so no link is mailed."""

    code = "sender_verified"
