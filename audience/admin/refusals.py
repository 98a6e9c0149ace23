"""Say to an operator why the core refused a change of the audience."""

from __future__ import annotations

from audience import errors
from batches.admin.asking import REFUSALS

REFUSALS.update(
    {
        errors.UnknownList: "there is no such list any more",
        errors.UnknownSegment: "there is no such segment any more",
        errors.UnknownField: "it names a custom field that the account does not have",
        errors.NameTaken: "the account has a list or a segment of this name",
        errors.SearchTooSlow: "the search took too long; ask for less",
        errors.TooManyCalls: "the account has other searches under way; try again in a moment",
        errors.TooManyJobs: "the account has as many unfinished imports and exports as it may have",
        errors.UploadsFull: "the account has as many bytes in files that are not imported yet as it may have",
        errors.FileTooLarge: "the file is too large",
    }
)
