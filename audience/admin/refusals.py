"""Tell an operator why the core refused a change of the audience."""

from __future__ import annotations

from audience import errors
from batches.admin.asking import REFUSALS

REFUSALS.update(
    {
        errors.UnknownList: "this list was deleted",
        errors.UnknownSegment: "this segment was deleted",
        errors.UnknownField: "the query uses a custom field that the account does not have",
        errors.NameTaken: "the account already has a list or a segment with this name",
        errors.SearchTooSlow: "the search took too long; make it narrower",
        errors.TooManyCalls: "other searches of the account are running; try again in a moment",
        errors.TooManyJobs: "the account has too many unfinished imports and exports; wait until one has finished",
        errors.UploadsFull: "the account has too much data that is not imported yet; wait until a file is imported",
        errors.FileTooLarge: "the file is too large",
    }
)
