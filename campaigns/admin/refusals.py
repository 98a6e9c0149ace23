"""Say to an operator why the core refused a change of a campaign or a sender."""

from __future__ import annotations

from batches.admin.asking import REFUSALS
from campaigns import errors

REFUSALS.update(
    {
        errors.UnknownCampaign: "there is no such campaign any more",
        errors.TransitionInProgress: "somebody else was changing this campaign at the same moment; look again, and try "
        "once more",
        errors.TimeIsPast: "the time it should leave at has passed",
        errors.UnknownPart: "its sender, a list, a segment or its unsubscribe group is not there any more",
        errors.TwoUnsubscribeLinks: "choose an unsubscribe group or a link of its own, not both",
        errors.CampaignLimit: "the account has as many campaigns as it may have",
        errors.TooManyTests: "a test goes to one address at least, and to ten at most",
        errors.UnknownSender: "there is no such sender any more",
        errors.SenderLocked: "a campaign that is a draft, scheduled or being sent uses this sender",
        errors.SenderVerified: "the sender is verified already",
        errors.VerificationLimitReached: "its address was mailed three links within an hour; try again later",
        errors.SenderLimitReached: "the account has as many senders as it may have",
    }
)
