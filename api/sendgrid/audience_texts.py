"""What stands in the way of who works on an audience, in SendGrid's words. No document has the texts of the calls below
/v3/marketing: those are ours.

`errors.py` puts these rows into its table. `said_of` is for the errors that name several things at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from api.sendgrid.campaign_texts import ANY_CALL, CAMPAIGN_JSON, Row
from campaigns.errors import InvalidSender, SenderProblem
from campaigns.senders import REQUIRED
from foundation.errors import SluiceError

UNKNOWN_MEMBER: Final = "recipient_id does not exist"
UNKNOWN_LISTS: Final = "list_ids do not all exist"
LIST_NAME_TAKEN: Final = "a list or a segment with this name exists"
INVALID_LIST: Final = "the list_id is not valid"


def rows_for(calls: Iterable[str], code: str, row: Row) -> dict[tuple[str, str], Row]:
    """The same row for several calls."""
    return {(code, call): row for call in calls}


MEMBERS: Final = [f"{method} contactdb/lists/recipients" for method in ("GET", "POST", "DELETE")]
LEGACY_SEGMENTS: Final = [f"{method} contactdb/segments" for method in ("POST", "PATCH")]
LISTS: Final = [f"{method} marketing/lists" for method in ("GET", "PATCH", "DELETE")]
SEGMENTS: Final = [f"{method} marketing/segments" for method in ("GET", "POST", "PATCH", "DELETE")]

ROWS: Final[Mapping[tuple[str, str], Row]] = {
    **rows_for(MEMBERS, "unknown_list", (404, "list_id", "list_id does not exist")),
    **rows_for(MEMBERS, "unknown_contact", (404, "recipient_id", UNKNOWN_MEMBER)),
    **rows_for(LEGACY_SEGMENTS, "unknown_list", (400, "list_id", INVALID_LIST)),
    **rows_for(LEGACY_SEGMENTS, "invalid_name", (400, "name", "the name is not valid")),
    **rows_for(LEGACY_SEGMENTS, "name_taken", (400, "name", LIST_NAME_TAKEN)),
    **rows_for(LEGACY_SEGMENTS, "unknown_field", (400, "field", "there is no such field")),
    **rows_for(LISTS, "unknown_list", (404, "id", "list does not exist")),
    **rows_for(SEGMENTS, "unknown_segment", (404, "segment_id", "segment does not exist")),
    **rows_for(SEGMENTS, "unknown_list", (400, "parent_list_ids", "parent_list_ids do not all exist")),
    **rows_for(SEGMENTS, "name_taken", (400, "name", LIST_NAME_TAKEN)),
    **rows_for(SEGMENTS, "unknown_field", (400, "query_dsl", "there is no such field")),
    ("unknown_list", "POST contactdb/recipients/search"): (400, "list_id", INVALID_LIST),
    ("unknown_list", "PUT marketing/contacts"): (404, "list_ids", UNKNOWN_LISTS),
    ("unknown_list", "PUT marketing/contacts/imports"): (404, "list_ids", UNKNOWN_LISTS),
    ("unknown_list", "POST marketing/contacts/exports"): (404, "list_ids", UNKNOWN_LISTS),
    ("unknown_segment", "POST marketing/contacts/exports"): (404, "segment_ids", "segment_ids do not all exist"),
    ("unknown_segment", "DELETE contactdb/segments"): (404, "segment_id", "segment_id does not exist"),
    ("unknown_contact", "GET contactdb/recipients/lists"): (404, None, "recipient id not found"),
    ("unknown_contact", "GET marketing/contacts"): (404, "id", "contact not found"),
    ("name_taken", "POST contactdb/lists"): (400, "name", LIST_NAME_TAKEN),
    ("name_taken", "PATCH contactdb/lists"): (400, "name", LIST_NAME_TAKEN),
    ("name_taken", "POST marketing/lists"): (400, "name", LIST_NAME_TAKEN),
    ("name_taken", "PATCH marketing/lists"): (400, "name", LIST_NAME_TAKEN),
    ("unknown_field", "PUT marketing/contacts/imports"): (400, "field_mappings", "field_mappings do not all exist"),
    ("unknown_field", "PATCH marketing/field_definitions"): (404, "id", "custom field does not exist"),
    ("unknown_field", "DELETE marketing/field_definitions"): (404, "id", "custom field does not exist"),
    ("unknown_job", ANY_CALL): (404, "id", "not found"),
    ("unusable_columns", ANY_CALL): (400, "field_mappings", "{said}"),
    ("too_many_contacts", ANY_CALL): (400, "contacts", "{said}"),
    ("file_uploaded", ANY_CALL): (409, None, "the file of this import has been uploaded already"),
    ("upload_in_progress", ANY_CALL): (409, None, "the file of this import is being uploaded"),
    ("file_too_large", ANY_CALL): (413, None, "{said}"),
    ("unknown_link", ANY_CALL): (404, None, "not found"),
    ("invalid_sender", ANY_CALL): (400, None, "{said}"),
    ("unknown_sender", ANY_CALL): (404, "id", "resource not found"),
    ("sender_limit_reached", ANY_CALL): (
        400,
        None,
        "You've reached your limit of {SENDERS_LIMIT} sender identities. Please delete one or more and try again.",
    ),
    ("sender_locked", ANY_CALL): (403, "locked", "You may only update a sender identity when it is unlocked."),
    ("sender_locked", "DELETE senders"): (
        403,
        "locked",
        "You may only delete a sender identity when it is unlocked.",
    ),
    ("verification_limit_reached", ANY_CALL): (
        429,
        None,
        "No more than three verification emails an hour are sent to one address. Please try again later.",
    ),
    ("sender_verified", ANY_CALL): (400, None, "The Sender Identity is already verified.  No email sent."),
}

JSON_TEXTS: Final[Mapping[str, str]] = {
    "contactdb/recipients": "Request body is not valid json",
    "contactdb/recipients/search": "request body is not valid json",
    "contactdb/segments": "request body is not valid json",
    "senders": CAMPAIGN_JSON,
}
"""By resource: what is said of a body that is not JSON, where it is not what most families say."""

SENDER_TEXTS: Final[Mapping[tuple[str, SenderProblem], str]] = {
    **{(part, SenderProblem.MISSING): f"{part} is required." for part in REQUIRED},
    ("from_email", SenderProblem.INVALID): "From email is not a valid email address.",
    ("reply_to", SenderProblem.INVALID): "Reply to email is not a valid email address.",
    ("nickname", SenderProblem.TAKEN): "You already have a sender identity with the same nickname.",
}


def said_of(error: SluiceError) -> list[tuple[str, str]]:
    """The field and the text of each thing that an error names; nothing for errors that name one alone."""
    if not isinstance(error, InvalidSender):
        return []
    return [(part, SENDER_TEXTS.get((part, problem), f"{part} is not valid.")) for part, problem in error.wrong]
