"""What can stand in the way of a caller who imports, exports, or manages senders."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from foundation.errors import SluiceError


class UnknownJob(SluiceError):
    """The account has no job of that id and kind. Another account's behaves the same."""

    code = "unknown_job"


class UnusableColumns(SluiceError):
    """The columns of a file do not make a contact: none is an identifier, or two are the same field."""

    code = "unusable_columns"


class TooManyContacts(SluiceError):
    """More contacts than one request may have (`UPSERT_LIMIT`)."""

    code = "too_many_contacts"


class FileUploaded(SluiceError):
    """The file of the import has come already, or it has been waited for in vain."""

    code = "file_uploaded"


class UploadInProgress(SluiceError):
    """The file of the import is being uploaded by another request."""

    code = "upload_in_progress"


class FileTooLarge(SluiceError):
    """The file is larger than `IMPORT_BYTES`. Nothing of it is kept."""

    code = "file_too_large"


class TooManyJobs(SluiceError):
    """The account has as many unfinished jobs as `AUDIENCE_JOBS_RUNNING` and `AUDIENCE_JOBS_WAITING` allow."""

    code = "too_many_jobs"


class UploadsFull(SluiceError):
    """The account's files that are not imported yet would have more than `UPLOAD_BYTES`. Nothing of the file is kept;
    it can be sent again when others have been imported."""

    code = "uploads_full"


class UnknownLink(SluiceError):
    """A link that was not made here, or whose time is over, or whose subject has changed since."""

    code = "unknown_link"


class SenderProblem(Enum):
    """What can be wrong with a part of a sender."""

    MISSING = "missing"
    INVALID = "invalid"
    TAKEN = "taken"


class WrongPart(NamedTuple):
    """A part of a sender, by the name of its column, and what is wrong with it."""

    part: str
    problem: SenderProblem


class InvalidSender(SluiceError):
    """A sender cannot be as it was given: `wrong` says why, all of it."""

    code = "invalid_sender"
    wrong: tuple[WrongPart, ...] = ()

    def __init__(self, wrong: Sequence[WrongPart]) -> None:
        super().__init__(", ".join(f"{part}: {problem.value}" for part, problem in wrong), field=wrong[0].part)
        self.wrong = tuple(wrong)


class UnknownSender(SluiceError):
    """The account has no sender of that id."""

    code = "unknown_sender"


class SenderLimitReached(SluiceError):
    """The account has as many senders as `SENDERS_LIMIT` allows."""

    code = "sender_limit_reached"


class SenderLocked(SluiceError):
    """A campaign that is a draft, scheduled or in progress uses the sender."""

    code = "sender_locked"


class VerificationLimitReached(SluiceError):
    """The address was mailed as many verification links in the last hour as one sender may have."""

    code = "verification_limit_reached"


class SenderVerified(SluiceError):
    """The sender is verified, so there is nothing to be mailed."""

    code = "sender_verified"
