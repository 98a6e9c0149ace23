"""Read requests of the native API, one module for each resource; `reading.py` checks them against forms.

Unknown fields are refused, because a misspelt `dry_run` would stop a batch.
"""

from api.native.inputs.account import DOUBT_POLICIES, AccountForm, read_account_changes
from api.native.inputs.batches import (
    STATUSES,
    BatchesForm,
    MoveRequest,
    PauseForm,
    RescheduleForm,
    read_batches_query,
    read_move,
    read_pause,
    read_reschedule,
)
from api.native.inputs.campaigns import (
    CAMPAIGN_STATUSES,
    CampaignsForm,
    read_campaign_id,
    read_campaigns_query,
)
from api.native.inputs.endpoints import (
    DELIVERY_STATES,
    KINDS,
    DeliveriesForm,
    EndpointForm,
    NewEndpointForm,
    SinceForm,
    read_deliveries_query,
    read_delivery_id,
    read_endpoint_change,
    read_endpoint_id,
    read_new_endpoint,
    read_since,
)
from api.native.inputs.events import EventsForm, read_events_query
from api.native.inputs.fields import MoveForm, ReasonForm
from api.native.inputs.keys import RevokeForm, read_revoke
from api.native.inputs.messages import (
    STATES,
    InHandForm,
    MessagesForm,
    OneRescheduleForm,
    SelectionForm,
    read_in_hand_query,
    read_messages_query,
    read_one_reschedule,
    read_reason,
    read_selection,
)
from api.native.inputs.reading import NothingForm, read_no_query, read_nothing
from api.native.inputs.receipts import ReceiptsForm, read_receipts_query

__all__ = [
    "CAMPAIGN_STATUSES",
    "DELIVERY_STATES",
    "DOUBT_POLICIES",
    "KINDS",
    "STATES",
    "STATUSES",
    "AccountForm",
    "BatchesForm",
    "CampaignsForm",
    "DeliveriesForm",
    "EndpointForm",
    "EventsForm",
    "InHandForm",
    "MessagesForm",
    "MoveForm",
    "MoveRequest",
    "NewEndpointForm",
    "NothingForm",
    "OneRescheduleForm",
    "PauseForm",
    "ReasonForm",
    "ReceiptsForm",
    "RescheduleForm",
    "RevokeForm",
    "SelectionForm",
    "SinceForm",
    "read_account_changes",
    "read_batches_query",
    "read_campaign_id",
    "read_campaigns_query",
    "read_deliveries_query",
    "read_delivery_id",
    "read_endpoint_change",
    "read_endpoint_id",
    "read_events_query",
    "read_in_hand_query",
    "read_messages_query",
    "read_move",
    "read_new_endpoint",
    "read_no_query",
    "read_nothing",
    "read_one_reschedule",
    "read_pause",
    "read_reason",
    "read_receipts_query",
    "read_reschedule",
    "read_revoke",
    "read_selection",
    "read_since",
]
