"""Define the errors of callers who create, find or stop a batch."""

from __future__ import annotations

from foundation.errors import SluiceError


class UnknownBatch(SluiceError):
    """Raised for an id that no batch of this account has. The id of another account's batch gives the same error."""

    code = "unknown_batch"


class StatusConflict(SluiceError):
    """Raised when the caller's dialect does not allow this move from the batch's status."""

    code = "status_conflict"


class NoStopPlaceLeft(SluiceError):
    """The account has as many paused and cancelled batches as its dialect allows at one time."""

    code = "no_stop_place_left"


class StopTooLate(SluiceError):
    """The batch's next `send_at` is nearer than the dialect's cut-off."""

    code = "stop_too_late"


class PauseIsOver(SluiceError):
    """Raised when the requested end of a pause has passed."""

    code = "pause_is_over"


class UnknownMessage(SluiceError):
    """The account has no message of that id, or its history is over."""

    code = "unknown_message"


class MessageInFlight(SluiceError):
    """Raised when a worker has claimed the message and not given it back: it may still be sent."""

    code = "message_in_flight"


class MessageEnded(SluiceError):
    """Raised when the message was sent, or has ended in another way."""

    code = "message_ended"
