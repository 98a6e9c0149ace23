"""Define the errors of callers who send mail."""

from __future__ import annotations

from foundation.errors import SluiceError


class QueueFull(SluiceError):
    """Raised when as many of the account's messages are waiting as `MAX_PENDING_MESSAGES` allows."""

    code = "queue_full"


class MessageTooLarge(SluiceError):
    """Raised when a message with its values can become larger than `MAX_MESSAGE_BYTES`.

    `field` names the message or text. It is also raised when the calculation of the size would take too long.
    """

    code = "message_too_large"


class Inexpressible(SluiceError):
    """Raised when a message cannot be written with a value of the request (`expressing.py`).

    `field` is the path of the value, and the text gives the reason.
    """

    code = "inexpressible"


class ReservedHeader(SluiceError):
    """Raised for a caller's header that only the server writes. `field` is its path, and the text names it."""

    code = "reserved_header"


class InvalidMessageId(SluiceError):
    """Raised when a caller's Message-ID is invalid, perhaps after substitutions. `field` is its path."""

    code = "invalid_message_id"


class InvalidReplyTo(SluiceError):
    """Raised when a Reply-To, with the substitutions of a message, is not an address or is too long.

    The text names the message.
    """

    code = "invalid_reply_to"


class UnknownGroup(SluiceError):
    """Raised when the account has no unsubscribe group with that id.

    A group of another account and a deleted group give the same error.
    """

    code = "unknown_group"

    def __init__(self, *ids: int, field: str | None = None) -> None:
        super().__init__(field=field)
        self.ids = ids


class UnknownGroupsToDisplay(UnknownGroup):
    """Raised when groups of the preferences page do not exist. `ids` has the unknown ids."""

    code = "unknown_groups_to_display"


class GroupNameTaken(SluiceError):
    """Raised when the account already has an unsubscribe group of that name."""

    code = "group_name_taken"


class GroupLimitReached(SluiceError):
    """Raised when the account has as many unsubscribe groups as `GROUPS_LIMIT` allows."""

    code = "group_limit_reached"


class InvalidActivityQuery(SluiceError):
    """Raised when a query for messages cannot be read. The text tells the reason."""

    code = "invalid_activity_query"
