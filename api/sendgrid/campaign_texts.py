"""What stands in the way of a campaign, in SendGrid's words: legacy campaigns have texts, Single Sends borrow them.

`errors.py` puts these rows into its table. `said_of` is for the errors that name several things at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.campaign_words import Dialect, word_for
from campaigns.errors import CampaignConflict, Lack, NotReady, UnknownPart
from campaigns.states import CampaignStatus
from foundation.errors import SluiceError

ANY_CALL: Final = "any call"
TESTS: Final = frozenset({"POST schedules/test", "POST test/send_email"})
CAMPAIGN_JSON: Final = "The JSON you have submitted cannot be parsed."
CAMPAIGN_RESOURCES: Final = frozenset({"campaigns", "schedules", "schedules/now", "schedules/test"})
FAILED_TO_SEND: Final = "Failed to send your campaign."
FUTURE: Final = "Please choose a future time for sending your campaign."
NO_TEST_ADDRESS: Final = "Please provide an email address to which the test should be sent."
TOO_MANY_TESTS: Final = "You can only send tests to 10 addresses at a time."
NOT_VERIFIED: Final = "sender_id is not a verified sender identity"

Row = tuple[int, str | None, str]
"""Status, field, message."""

ROWS: Final[Mapping[tuple[str, str], Row]] = {
    ("unknown_campaign", ANY_CALL): (404, None, "not found"),
    ("unknown_campaign", "POST test/send_email"): (400, "template_id", "template_id does not exist"),
    ("campaign_conflict", ANY_CALL): (400, None, "This cannot be done now: the Single Send is {single_send}."),
    ("campaign_conflict", "PATCH campaigns"): (
        403,
        None,
        "You may only update a campaign when it is in draft mode.",
    ),
    ("campaign_conflict", "POST schedules"): (
        403,
        None,
        "You cannot POST to a campaign that has already sent or scheduled. However you can update a scheduled campaign "
        "with a PATCH.",
    ),
    ("campaign_conflict", "PATCH schedules"): (
        403,
        "send_at",
        "You cannot update the send_at value of non-scheduled campaign.",
    ),
    ("campaign_conflict", "DELETE schedules"): (403, None, "This campaign is already {campaign}."),
    ("campaign_conflict", "DELETE schedules of a draft"): (404, None, "not found"),
    ("campaign_conflict", "POST schedules/now"): (403, None, "You may only send a campaign when it is in draft mode."),
    # Ours: the wire has no such answer. It comes after a second of asking again.
    ("transition_in_progress", ANY_CALL): (409, None, "Another change of this campaign is in progress; ask again."),
    ("not_ready", ANY_CALL): (400, None, "The campaign is not ready to be sent."),
    ("time_is_past", ANY_CALL): (400, "send_at", FUTURE),
    ("unknown_part", ANY_CALL): (400, None, "The campaign names something that does not exist."),
    ("unverified_sender", ANY_CALL): (400, "sender_id", NOT_VERIFIED),
    ("unverified_sender", "POST singlesends"): (400, "email_config.sender_id", NOT_VERIFIED),
    ("unverified_sender", "PATCH singlesends"): (400, "email_config.sender_id", NOT_VERIFIED),
    ("two_unsubscribe_links", ANY_CALL): (
        400,
        "unsubscribes",
        "Either suppression_group_id or custom_unsubscribe_url may be set/used, but not both. Please remove one before "
        "setting the other.",
    ),
    ("fixed_field", ANY_CALL): (400, "editor", "You cannot switch editors once a campaign has been created."),
    # Of calls that this wire does not have.
    ("foreign_content", ANY_CALL): (409, None, "The content was not written as Markdown."),
    ("test_failed", ANY_CALL): (409, None, "The test did not leave: {said}."),
    ("campaign_limit_reached", ANY_CALL): (
        400,
        None,
        "You've reached your limit of {CAMPAIGNS_LIMIT} campaigns. Please delete one or more and try again.",
    ),
    ("too_many_tests", ANY_CALL): (400, "to", TOO_MANY_TESTS),
    ("unknown_group", "POST schedules/test"): (400, "suppression_group_id", "suppression_group_id does not exist"),
    ("unknown_group", "POST test/send_email"): (400, "suppression_group_id", "suppression_group_id does not exist"),
}

LACKS: Final[Mapping[Lack, tuple[str, str]]] = {
    Lack.SUBJECT: ("subject", "subject can't be blank"),
    Lack.SENDER: ("sender_id", "sender_id can't be blank"),
    Lack.SENDER_VERIFICATION: ("sender_id", NOT_VERIFIED),
    Lack.FROM_NAME: ("sender_id", "sender_id can't be blank"),
    Lack.CONTENT: ("plain_content", "plain_content can't be blank, please provide plain text or html content"),
    Lack.AUDIENCE: ("list_ids", "You must select at least 1 segment or 1 list to send to."),
    Lack.UNSUBSCRIBE_CHOICE: (
        "suppression_group_id",
        "Either a suppression_group_id or custom_unsubscribe_url is required to send a campaign.",
    ),
    Lack.UNSUBSCRIBE_TAG: (
        "unsubscribe_tag",
        "An [unsubscribe] tag in both your html and plain content is required to send a campaign.",
    ),
}
TEST_LACKS: Final[Mapping[Lack, tuple[str, str]]] = {
    Lack.SUBJECT: ("subject", "Please add a subject to your campaign before sending a test."),
    Lack.SENDER: ("sender_id", "Please assign a sender identity to your campaign before sending a test."),
    Lack.CONTENT: (
        "plain_content",
        "Plain content and html content can't both be blank. Please set one of these values before sending a test.",
    ),
}
PARTS: Final[Mapping[str, tuple[str, str]]] = {
    "sender": ("sender_id", "sender_id does not exist"),
    "lists": ("list_ids", "list_ids do not all exist"),
    "segments": ("segment_ids", "segment_ids do not all exist"),
    "suppression_group": ("suppression_group_id", "suppression_group_id does not exist"),
}
IN_SEND_TO: Final = frozenset({"list_ids", "segment_ids"})
"""Of a Single Send's fields; the others named here are in its `email_config`."""


def said_of(error: SluiceError, call: str) -> list[tuple[str, str]]:
    """The field and the text of each thing that an error names; nothing for errors that name one alone."""
    if isinstance(error, NotReady):
        texts = {**LACKS, **TEST_LACKS} if call in TESTS else LACKS
        said = [texts[lack] for lack in error.lacks]
    elif isinstance(error, UnknownPart):
        said = [PARTS[name] for name in error.fields]
    else:
        return []
    if call.partition(" ")[2].startswith("singlesends"):
        return [(f"{'send_to' if field in IN_SEND_TO else 'email_config'}.{field}", text) for field, text in said]
    return said


def narrowed(error: SluiceError, call: str) -> str:
    """The call by which the table is asked: a draft has no schedule that could be deleted."""
    is_draft = isinstance(error, CampaignConflict) and error.status is CampaignStatus.DRAFT
    return f"{call} of a draft" if is_draft and call == "DELETE schedules" else call


def words_of(error: SluiceError) -> dict[str, str]:
    """What a conflict's status is called, for messages that say so."""
    status = error.status if isinstance(error, CampaignConflict) else CampaignStatus.DRAFT
    return {"campaign": word_for(status, Dialect.LEGACY), "single_send": word_for(status, Dialect.SINGLE_SENDS)}
