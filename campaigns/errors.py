"""What can stand in the way of a caller who works on an audience."""

from __future__ import annotations

from foundation.errors import SluiceError


class UnknownContact(SluiceError):
    """The account has no contact of that id."""

    code = "unknown_contact"


class InvalidContact(SluiceError):
    """A contact cannot be stored as it was given. `field` is the one that is wrong, the text says how."""

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
    """A field, a list or a segment cannot be called that."""

    code = "invalid_name"


class NameTaken(SluiceError):
    """Another field, list or segment of the account has that name, in upper or lower case."""

    code = "name_taken"


class UnknownList(SluiceError):
    """The account has no list of that id."""

    code = "unknown_list"


class UnknownSegment(SluiceError):
    """The account has no segment of that id."""

    code = "unknown_segment"


class InvalidCondition(SluiceError):
    """A condition says something that cannot be asked of a contact. `field` is the part of it that is wrong."""

    code = "invalid_condition"


class InvalidQuery(SluiceError):
    """A query cannot be read. The text says what is wrong, and where."""

    code = "invalid_query"


class SearchTooSlow(SluiceError):
    """A search took longer than `SEARCH_SECONDS`."""

    code = "search_too_slow"
