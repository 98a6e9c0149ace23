"""Define the errors of contacts, custom fields, lists, segments, searches and jobs."""

from __future__ import annotations

from foundation.errors import SluiceError


class UnknownContact(SluiceError):
    """The account has no contact of that id."""

    code = "unknown_contact"


class UnknownIdentifier(SluiceError):
    """The contact does not have that identifier."""

    code = "unknown_identifier"


class LastIdentifier(SluiceError):
    """The contact has no other identifier, and each contact needs one."""

    code = "last_identifier"


class ContactTaken(SluiceError):
    """Another contact of the account has that address or identifier; `field` says which."""

    code = "contact_taken"


class InvalidContact(SluiceError):
    """A contact cannot be stored as it was sent: `field` is the wrong field, and the text says what is wrong."""

    code = "invalid_contact"


class UnknownField(SluiceError):
    """The account's contacts have no custom field of that id."""

    code = "unknown_field"


class FieldInUse(SluiceError):
    """A segment has a condition on the custom field."""

    code = "field_in_use"


class FieldLimitReached(SluiceError):
    """The account has as many custom fields as `CUSTOM_FIELDS_LIMIT` allows."""

    code = "field_limit_reached"


class InvalidName(SluiceError):
    """The name is not allowed for a field, a list or a segment."""

    code = "invalid_name"


class NameTaken(SluiceError):
    """Another field, list or segment of the account has that name. Case does not matter."""

    code = "name_taken"


class UnknownList(SluiceError):
    """The account has no list of that id."""

    code = "unknown_list"


class UnknownSegment(SluiceError):
    """The account has no segment of that id."""

    code = "unknown_segment"


class InvalidCondition(SluiceError):
    """A condition does not apply to contacts. `field` is the part of it that is wrong."""

    code = "invalid_condition"


class InvalidQuery(SluiceError):
    """A query cannot be read. The text says what is wrong, and where."""

    code = "invalid_query"


class SearchTooSlow(SluiceError):
    """A search took longer than `SEARCH_SECONDS`."""

    code = "search_too_slow"


class TooManyCalls(SluiceError):
    """The account has as many expensive calls under way as `EXPENSIVE_CALLS` allows. Nothing was done; try again."""

    code = "too_many_calls"


class UnknownJob(SluiceError):
    """The account has no job of that id and kind. A job of another account gives the same error."""

    code = "unknown_job"


class UnusableColumns(SluiceError):
    """The columns of a file do not make a contact: none is an identifier, or two are the same field."""

    code = "unusable_columns"


class TooManyContacts(SluiceError):
    """A request has more contacts than `UPSERT_LIMIT` allows."""

    code = "too_many_contacts"


class FileUploaded(SluiceError):
    """The file of the import was uploaded before, or the import has ended because no file came."""

    code = "file_uploaded"


class UploadInProgress(SluiceError):
    """Another request is uploading the file of the import."""

    code = "upload_in_progress"


class FileTooLarge(SluiceError):
    """The file is larger than `IMPORT_BYTES`. Nothing of it is stored."""

    code = "file_too_large"


class TooManyJobs(SluiceError):
    """The account has as many unfinished jobs as `AUDIENCE_JOBS_RUNNING` and `AUDIENCE_JOBS_WAITING` allow."""

    code = "too_many_jobs"


class UploadsFull(SluiceError):
    """The files of the account that are not imported yet would exceed `UPLOAD_BYTES` together.

    Nothing of the file is stored. It can be sent again when others have been imported.
    """

    code = "uploads_full"


class UnknownLink(SluiceError):
    """The link was not made here, has expired, or its subject has changed."""

    code = "unknown_link"
