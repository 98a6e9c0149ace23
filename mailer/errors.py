"""What can stand in the way of a caller who sends mail."""

from __future__ import annotations

from foundation.errors import SluiceError


class QueueFull(SluiceError):
    """As many of the account's messages are waiting as `MAX_PENDING_MESSAGES` allows."""

    code = "queue_full"
