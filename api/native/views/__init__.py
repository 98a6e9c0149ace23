"""The native API's endpoints, one module for each resource. A view reads a request, calls the core, and answers."""

from api.native.views.account import FreezeAccount, OneAccount, PurgeAccount, ThawAccount
from api.native.views.base import Endpoint, bad_request, busy, not_found, server_error
from api.native.views.batches import Batches, CancelBatch, OneBatch, PauseBatch, RescheduleBatch, ResumeBatch
from api.native.views.messages import (
    BatchMessages,
    CancelMessage,
    DropMessages,
    MessagesInHand,
    OneMessage,
    ReplayMessages,
    RescheduleMessage,
)
from api.native.views.now import Now
from api.native.views.receipts import OneReceipt, Receipts

__all__ = [
    "BatchMessages",
    "Batches",
    "CancelBatch",
    "CancelMessage",
    "DropMessages",
    "Endpoint",
    "FreezeAccount",
    "MessagesInHand",
    "Now",
    "OneAccount",
    "OneBatch",
    "OneMessage",
    "OneReceipt",
    "PauseBatch",
    "PurgeAccount",
    "Receipts",
    "ReplayMessages",
    "RescheduleBatch",
    "RescheduleMessage",
    "ResumeBatch",
    "ThawAccount",
    "bad_request",
    "busy",
    "not_found",
    "server_error",
]
