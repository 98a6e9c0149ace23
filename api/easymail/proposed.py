"""Collect our choices where the documents of Easymail's API leave something open: names, texts and numbers.

A client that keeps to the documents needs none of these. If the original turns out to differ, this file has to be
corrected.
"""

from __future__ import annotations

from typing import Final

from campaigns.errors import Need
from campaigns.readiness import NEEDED

LANGUAGE: Final = "en"
"""The language of every campaign: nothing in the API can set it."""

MISSING: Final = {
    Need.SUBJECT: "subject",
    Need.CONTENT: "content",
    Need.SENDER: "sender_identity",
    Need.AUDIENCE: "audience",
    Need.FROM_NAME: "from_name",
    Need.SENDER_VERIFICATION: "sender_identity_disabled",
}
"""The names of the parts that a campaign needs, in the order of answers.

The first three are in the documents. The sender's name is missing if neither the campaign nor its identity has one.
"""
NEEDS: Final = NEEDED | {Need.FROM_NAME}
"""The parts that a campaign needs. An audience may be empty, and Sluice adds the link to unsubscribe by."""

UNAUTHORIZED: Final = "UNAUTHORIZED"
BAD_REQUEST: Final = "BAD_REQUEST"
METHOD_NOT_ALLOWED: Final = "METHOD_NOT_ALLOWED"
INTERNAL_ERROR: Final = "INTERNAL_ERROR"
UNAVAILABLE: Final = "UNAVAILABLE"
OVERWRITE_REQUIRED: Final = "CAMPAIGN_CONTENT_OVERWRITE_REQUIRED"
LIMIT_REACHED: Final = "LIMIT_REACHED"

NOT_EDITABLE_TEXT: Final = "Campaign cannot be edited because of its current status"
NOT_SENDABLE_TEXT: Final = "Campaign cannot be sent because of its current status"
NOT_UNSCHEDULABLE_TEXT: Final = "Campaign cannot be unscheduled because it is not scheduled"
NOT_READY_TEXT: Final = "Campaign is not ready to be sent"
NOT_TESTABLE_TEXT: Final = "Campaign is missing something that a test email needs"
TEST_FAILED_TEXT: Final = "The test email could not be sent: {error}"
TEST_SENT_TEXT: Final = "Test email sent"
OVERWRITE_TEXT: Final = "Campaign content would lose its styling: repeat the request with overwrite set to true"
ONE_AUDIENCE_TEXT: Final = "The segment uuid field must be empty when list uuid is present."
LINE_TEXT: Final = "The {name} field must not contain line breaks or control characters."
STORABLE_TEXT: Final = "The {name} field contains characters that cannot be stored."

TRANSITION_RETRY_SECONDS: Final = 1
