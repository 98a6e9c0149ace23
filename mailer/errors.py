"""The errors of callers who send mail."""

from __future__ import annotations

from foundation.errors import SluiceError


class QueueFull(SluiceError):
    """Raised when as many of the account's messages are waiting as `MAX_PENDING_MESSAGES` allows."""

    code = "queue_full"


class MessageTooLarge(SluiceError):
    """Raised when a message with its values can become larger than `MAX_MESSAGE_BYTES`.

    `field` names the message or text. It is also raised when it would take too long to find out.
    """

    code = "message_too_large"


class Inexpressible(SluiceError):
    """Raised when a message cannot be written with a value of the request (`expressing.py`).

    `field` is the path of the value, and the text gives the reason.
    """

    code = "inexpressible"


class ReservedHeader(SluiceError):
    """A caller's header is one that only the server writes; `field` says where, the text which."""

    code = "reserved_header"


class InvalidMessageId(SluiceError):
    """A caller's Message-ID is not one, as it was given or with the substitutions of a message; `field` says where."""

    code = "invalid_message_id"


class InvalidReplyTo(SluiceError):
    """Raised when a Reply-To, with the substitutions of a message, is not an address or is too long.

    The text names the message.
    """

    code = "invalid_reply_to"


class UnknownGroup(SluiceError):
    """Raised when the account has no unsubscribe group with that id.

    A group of another account and a deleted one are answered alike.
    """

    code = "unknown_group"

    def __init__(self, *ids: int, field: str | None = None) -> None:
        super().__init__(field=field)
        self.ids = ids


class UnknownGroupsToDisplay(UnknownGroup):
    """The same of the groups that a preferences page shall offer; `ids` are those that are unknown."""

    code = "unknown_groups_to_display"


class GroupNameTaken(SluiceError):
    """The account has an unsubscribe group of that name."""

    code = "group_name_taken"


class GroupLimitReached(SluiceError):
    """The account has as many unsubscribe groups as it may have."""

    code = "group_limit_reached"
