"""What the core's refusals of campaigns and of audiences say to a person."""

from __future__ import annotations

from batches.admin.asking import REFUSALS
from campaigns import errors
from campaigns.audience import errors as audience_errors

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
        errors.UnknownList: "there is no such list any more",
        errors.UnknownSegment: "there is no such segment any more",
        errors.UnknownField: "it names a custom field that the account does not have",
        errors.NameTaken: "the account has a list or a segment of this name",
        errors.SearchTooSlow: "the search took too long; ask for less",
        errors.TooManyCalls: "the account has other searches under way; try again in a moment",
        audience_errors.TooManyJobs: "the account has as many unfinished imports and exports as it may have",
        audience_errors.UploadsFull: "the account has as many bytes in files that are not imported yet as it may have",
        audience_errors.UnknownSender: "there is no such sender any more",
        audience_errors.SenderLocked: "a campaign that is a draft, scheduled or being sent uses this sender",
        audience_errors.SenderVerified: "the sender is verified already",
        audience_errors.VerificationLimitReached: "its address was mailed three links within an hour; try again later",
        audience_errors.SenderLimitReached: "the account has as many senders as it may have",
        audience_errors.FileTooLarge: "the file is too large",
    }
)
