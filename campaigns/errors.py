"""What can stand in the way of a caller who works on an audience, or on a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from campaigns.states import CampaignStatus
from foundation.errors import SluiceError

if TYPE_CHECKING:
    from campaigns.readiness import Lack


class UnknownContact(SluiceError):
    """The account has no contact of that id."""

    code = "unknown_contact"


class ContactTaken(SluiceError):
    """Another contact of the account has that address or identifier; `field` says which."""

    code = "contact_taken"


class InvalidContact(SluiceError):
    """A contact cannot be stored as it was given. `field` is the one that is wrong, the text says how."""

    code = "invalid_contact"


class UnknownField(SluiceError):
    """The account's contacts have no custom field of that id."""

    code = "unknown_field"


class FieldInUse(SluiceError):
    """A segment has a condition on the custom field."""

    code = "field_in_use"


class FieldLimitReached(SluiceError):
    """The account has as many custom fields as `CUSTOM_FIELDS_LIMIT` allows."""

    code = "field_limit_reached"


class InvalidName(SluiceError):
    """A field, a list or a segment cannot be called that."""

    code = "invalid_name"


class NameTaken(SluiceError):
    """Another field, list or segment of the account has that name, in upper or lower case."""

    code = "name_taken"


class UnknownList(SluiceError):
    """The account has no list of that id."""

    code = "unknown_list"


class UnknownSegment(SluiceError):
    """The account has no segment of that id."""

    code = "unknown_segment"


class InvalidCondition(SluiceError):
    """A condition says something that cannot be asked of a contact. `field` is the part of it that is wrong."""

    code = "invalid_condition"


class InvalidQuery(SluiceError):
    """A query cannot be read. The text says what is wrong, and where."""

    code = "invalid_query"


class SearchTooSlow(SluiceError):
    """A search took longer than `SEARCH_SECONDS`."""

    code = "search_too_slow"


class TooManyCalls(SluiceError):
    """The account has as many expensive calls under way as `EXPENSIVE_CALLS` allows: nothing was done, ask again."""

    code = "too_many_calls"


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
