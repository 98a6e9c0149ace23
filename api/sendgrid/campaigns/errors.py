"""Answer the errors of campaigns. Legacy campaigns have published texts, which Single Sends borrow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from api.campaign_words import Dialect, word_for
from api.sendgrid.errors import Answer, Answers, Problem, Refusal, plain_refusal
from campaigns.errors import CampaignConflict, InvalidContent, Need, NotReady, UnknownPart
from campaigns.states import CampaignStatus

BAD_JSON: Final = "The JSON you have submitted cannot be parsed."
FAILED_TO_SEND: Final = "Failed to send your campaign."
FUTURE: Final = "Please choose a future time for sending your campaign."
TOO_MANY_TESTS: Final = "You can only send tests to 10 addresses at a time."
NOT_VERIFIED: Final = "sender_id is not a verified sender identity"

MISSING: Final[Mapping[Need, tuple[str, str]]] = {
    Need.SUBJECT: ("subject", "subject can't be blank"),
    Need.SENDER: ("sender_id", "sender_id can't be blank"),
    Need.SENDER_VERIFICATION: ("sender_id", NOT_VERIFIED),
    Need.FROM_NAME: ("sender_id", "sender_id can't be blank"),
    Need.CONTENT: ("plain_content", "plain_content can't be blank, please provide plain text or html content"),
    Need.AUDIENCE: ("list_ids", "You must select at least 1 segment or 1 list to send to."),
    Need.UNSUBSCRIBE_CHOICE: (
        "suppression_group_id",
        "Either a suppression_group_id or custom_unsubscribe_url is required to send a campaign.",
    ),
    Need.UNSUBSCRIBE_TAG: (
        "unsubscribe_tag",
        "An [unsubscribe] tag in both your html and plain content is required to send a campaign.",
    ),
}
MISSING_FOR_TEST: Final[Mapping[Need, tuple[str, str]]] = {
    Need.SUBJECT: ("subject", "Please add a subject to your campaign before sending a test."),
    Need.SENDER: ("sender_id", "Please assign a sender identity to your campaign before sending a test."),
    Need.CONTENT: (
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

Place = Callable[[str], str]
"""A function that returns the path of a field in a body."""


def at_the_top(field: str) -> str:
    """Return the place of a field in the body of a legacy campaign."""
    return field


def conflict(error: CampaignConflict) -> Refusal:
    """Answer a change that a campaign's status does not allow, where the call has no specific text."""
    word = word_for(error.status, Dialect.SINGLE_SENDS)
    return Refusal(400, Problem(f"This cannot be done now: the Single Send is {word}."))


def unschedule_conflict(error: CampaignConflict) -> Refusal:
    """Answer that a campaign has no schedule to delete."""
    if error.status is CampaignStatus.DRAFT:
        return plain_refusal(404)
    return Refusal(403, Problem(f"This campaign is already {word_for(error.status, Dialect.LEGACY)}."))


def not_ready(texts: Mapping[Need, tuple[str, str]], place: Place = at_the_top) -> Callable[[NotReady], Refusal]:
    """Make the answer that names everything that is missing from a campaign."""
    return lambda error: Refusal(
        400, *(Problem(text, place(field)) for field, text in map(texts.__getitem__, error.missing))
    )


def unknown_part(place: Place = at_the_top) -> Callable[[UnknownPart], Refusal]:
    """Make the answer that names every part of a campaign that does not exist."""
    return lambda error: Refusal(
        400, *(Problem(text, place(field)) for field, text in map(PARTS.__getitem__, error.fields))
    )


def invalid_content(place: Place = at_the_top) -> Callable[[InvalidContent], Refusal]:
    """Make the answer that names the text with a wrong template or tag, and the place in the text."""
    return lambda error: Refusal(400, Problem(str(error), place(error.field or "html_content")))


ANSWERS: Final[Answers] = {
    "unknown_campaign": Answer(404, None, "not found"),
    "campaign_conflict": conflict,
    # SendGrid has no such answer. It comes after the request was tried again for a second.
    "transition_in_progress": Answer(409, None, "Another change of this campaign is in progress; try again."),
    "not_ready": not_ready(MISSING),
    "invalid_content": invalid_content(),
    "time_is_past": Answer(400, "send_at", FUTURE),
    "unknown_part": unknown_part(),
    "unverified_sender": Answer(400, "sender_id", NOT_VERIFIED),
    "two_unsubscribe_links": Answer(
        400,
        "unsubscribes",
        "Either suppression_group_id or custom_unsubscribe_url may be set/used, but not both. Please remove one before "
        "setting the other.",
    ),
    "fixed_field": Answer(400, "editor", "You cannot switch editors once a campaign has been created."),
    "campaign_limit_reached": Answer(
        400,
        None,
        "You've reached your limit of {settings.CAMPAIGNS_LIMIT} campaigns. Please delete one or more and try again.",
    ),
}
SCHEDULE_ANSWERS: Final[Answers] = {
    **ANSWERS,
    "POST campaign_conflict": Answer(
        403,
        None,
        "You cannot POST to a campaign that has already sent or scheduled. However you can update a scheduled campaign "
        "with a PATCH.",
    ),
    "PATCH campaign_conflict": Answer(403, "send_at", "You cannot update the send_at value of non-scheduled campaign."),
    "DELETE campaign_conflict": unschedule_conflict,
}
TEST_ANSWERS: Final[Answers] = {
    **ANSWERS,
    "not_ready": not_ready({**MISSING, **MISSING_FOR_TEST}),
    "too_many_tests": Answer(400, "to", TOO_MANY_TESTS),
    "unknown_group": Answer(400, "suppression_group_id", "suppression_group_id does not exist"),
}
