"""Answer the native API's calls, one module for each resource. A view reads a request, calls the core, and answers."""

from api.native.views.account import FreezeAccount, OneAccount, PurgeAccount, ThawAccount
from api.native.views.base import Endpoint, bad_request, busy, not_found, server_error
from api.native.views.batches import Batches, CancelBatch, OneBatch, PauseBatch, RescheduleBatch, ResumeBatch
from api.native.views.campaigns import Campaigns, CancelCampaign, OneCampaign, PauseCampaign, ResumeCampaign
from api.native.views.endpoints import (
    Deliveries,
    EnableEndpoint,
    Endpoints,
    OneDelivery,
    OneEndpoint,
    ReplayDelivery,
    ReplayEvents,
    RotateSecret,
)
from api.native.views.events import Events
from api.native.views.keys import KeyRevocation, Keys, RevokeKey
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
    "Campaigns",
    "CancelBatch",
    "CancelCampaign",
    "CancelMessage",
    "Deliveries",
    "DropMessages",
    "EnableEndpoint",
    "Endpoint",
    "Endpoints",
    "Events",
    "FreezeAccount",
    "KeyRevocation",
    "Keys",
    "MessagesInHand",
    "Now",
    "OneAccount",
    "OneBatch",
    "OneCampaign",
    "OneDelivery",
    "OneEndpoint",
    "OneMessage",
    "OneReceipt",
    "PauseBatch",
    "PauseCampaign",
    "PurgeAccount",
    "Receipts",
    "ReplayDelivery",
    "ReplayEvents",
    "ReplayMessages",
    "RescheduleBatch",
    "RescheduleMessage",
    "ResumeBatch",
    "ResumeCampaign",
    "RevokeKey",
    "RotateSecret",
    "ThawAccount",
    "bad_request",
    "busy",
    "not_found",
    "server_error",
]
