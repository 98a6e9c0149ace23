"""Tell an operator why the core refused a change of a campaign or a sender."""

from __future__ import annotations

from batches.admin.asking import REFUSALS
from campaigns import errors

REFUSALS.update(
    {
        errors.UnknownCampaign: "this campaign was deleted",
        errors.TransitionInProgress: "another change of this campaign was under way; reload the page and try again",
        errors.TimeIsPast: "the scheduled time has passed",
        errors.UnknownPart: "its sender, a list, a segment or its unsubscribe group was deleted",
        errors.TwoUnsubscribeLinks: "choose an unsubscribe group or a custom link, not both",
        errors.CampaignLimit: "the account has reached its limit of campaigns",
        errors.TooManyTests: "a test needs one to ten addresses",
        errors.UnknownSender: "this sender was deleted",
        errors.SenderLocked: "a campaign that is a draft, scheduled or being sent uses this sender",
        errors.SenderVerified: "the sender is verified already",
        errors.VerificationLimitReached: "three links were mailed to its address within an hour; try again later",
        errors.SenderLimitReached: "the account has reached its limit of senders",
    }
)
