"""OpenAPI descriptions of the native API's calls. `api/openapi.py` has the vocabulary.

To add a call, write one value at the end of this file, and `@schema.its_name` above its view. The forms of `inputs`
describe the bodies of requests; `COMPONENTS` describes the bodies of answers, and the suite compares them with what
`outputs.py` writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from drf_spectacular.utils import extend_schema_view

from api import openapi
from api.native import errors, inputs
from api.openapi import (
    FLAG,
    NUMBER,
    RECEIPT_HEADERS,
    TEXT,
    TIME,
    Describe,
    Form,
    Piece,
    Reply,
    component,
    list_of,
    nullable,
    one_of,
    record,
)
from batches.models import Receipt
from batches.verdict import GateStatus
from events.models import Dialect
from mailer.models import EventKind, LateKind
from monitoring.coming import Fate
from monitoring.problems import Kind, Severity
from monitoring.waiting import WaitKind

ALWAYS = (401, 403, 414, 429, 500, 503)
WITH_BODY = (400, 409, 413, 415, 422)
REFUSALS = {status: answer.message for status, answer in errors.HTTP_ANSWERS.items()} | {
    409: "The request conflicts with the current state.",
    422: "The given data was invalid. `details` has the problems of each field.",
}

UUID: Piece = {"type": "string", "format": "uuid"}
ID: Piece = {**TEXT, "example": "Ptm-O-FkVBG7lnvMa5DiDA"}
LABEL: Piece = {**TEXT, "example": "Your invoice for November"}
ACTION = one_of(Receipt.Action.values)
STATUS = one_of(inputs.STATUSES)
COUNTS: dict[str, Piece] = {"messages": NUMBER, "counts": component("Counts")}
BATCH: dict[str, Piece] = {
    "id": ID,
    "label": LABEL,
    "status": STATUS,
    "since": TIME,
    "paused_until": nullable(TIME),
    "retention_seconds": nullable(NUMBER),
    "version": NUMBER,
    "created_at": TIME,
}
RECEIPT: dict[str, Piece] = {
    "id": ID,
    "batch_id": nullable(ID),
    "label": nullable(LABEL),
    "message_id": nullable(TEXT),
    "action": ACTION,
    "actor": TEXT,
    "reason": TEXT,
    "created_at": TIME,
    "settled": FLAG,
    "settled_at": nullable(TIME),
    **dict.fromkeys(("sent", "stopped", "in_flight", "in_doubt", "ended", "ended_before", "affected"), NUMBER),
}

CAMPAIGN: dict[str, Piece] = {"campaign_id": nullable(TEXT), "campaign_uuid": nullable(TEXT)}

CAMPAIGN_LINE: dict[str, Piece] = {
    "id": TEXT,
    "uuid": TEXT,
    "title": TEXT,
    "status": one_of(inputs.CAMPAIGN_STATUSES),
    "send_at": nullable(TIME),
    "finished_at": nullable(TIME),
    "created_at": TIME,
    "batch_id": nullable(ID),
}
ENDPOINT: dict[str, Piece] = {
    "id": UUID,
    "dialect": one_of(Dialect.values),
    "url": TEXT,
    "name": TEXT,
    "kinds": nullable(list_of(one_of(inputs.KINDS))),
    "enabled": FLAG,
    "disabled_at": nullable(TIME),
    "disabled_reason": TEXT,
    "failing_since": nullable(TIME),
    "failures": NUMBER,
    "retry_at": nullable(TIME),
    "previous_secret_expires_at": nullable(TIME),
    **dict.fromkeys(("public_key", "oauth_client_id", "oauth_token_url"), TEXT),
    "created_at": TIME,
    "updated_at": TIME,
}
DELIVERY: dict[str, Piece] = {
    "id": UUID,
    "state": one_of(inputs.DELIVERY_STATES),
    "events": NUMBER,
    "attempts": NUMBER,
    "status_code": nullable(NUMBER),
    "error": TEXT,
    "reply": TEXT,
    "seconds": nullable({"type": "number"}),
    "created_at": TIME,
    "attempted_at": nullable(TIME),
    "next_attempt_at": nullable(TIME),
}
KEY: dict[str, Piece] = {
    "id": ID,
    "name": TEXT,
    "account": TEXT,
    "created_at": TIME,
    "revoked_at": nullable(TIME),
}

LOGGED_EVENT = record(
    id=TEXT,
    kind=one_of(kind.name.lower() for kind in (*EventKind, *LateKind)),
    at=TIME,
    message=TEXT,
    x_message_id=ID,
    batch_id=nullable(ID),
    recipient=TEXT,
    reply=nullable(TEXT),
    classification=nullable(TEXT),
    list=nullable(TEXT),
    is_encrypted={**nullable(FLAG), "description": "Of an attempt to deliver; null: unknown, or another event."},
    categories=list_of(TEXT),
    custom_args={"type": "object", "additionalProperties": TEXT},
)
LOGGED_EVENT["properties"] |= {
    "is_machine": {**FLAG, "description": "Of an open or a click: whether a machine did it, such as a scanner."},
    "address": nullable(TEXT),
    "user_agent": TEXT,
    "url": {**TEXT, "description": "Of a click, as the next two fields."},
    "link": NUMBER,
    "is_html": FLAG,
}
COMPONENTS: dict[str, Piece] = {
    "Batch": record(**BATCH),
    "BatchDetails": record(
        **BATCH,
        gate=one_of(status.value for status in GateStatus),
        waits=nullable(record(reason=one_of(WaitKind), text=TEXT)),
        **COUNTS,
        expires_at=nullable(TIME),
        waves=list_of(component("Wave")),
    ),
    "Wave": record(send_at=TIME, **COUNTS, exact=FLAG, expires_at=nullable(TIME)),
    "Counts": record(**dict.fromkeys(inputs.STATES, NUMBER)),
    "CampaignSummary": record(**CAMPAIGN_LINE),
    "CampaignDetails": record(**CAMPAIGN_LINE, expanding=FLAG, **COUNTS),
    "MovedCampaign": record(**CAMPAIGN_LINE, receipt=nullable(record(**RECEIPT, doubtful_messages=list_of(TEXT)))),
    "Key": record(**KEY),
    "RevokedKey": record(
        **KEY,
        stopped=nullable(
            record(
                settled=FLAG,
                **dict.fromkeys(("campaigns", "batches", "messages"), NUMBER),
                receipts=list_of(component("Receipt")),
            )
        ),
    ),
    "RevocationDryRun": record(
        dry_run=FLAG, **KEY, **dict.fromkeys(("campaigns", "batches", "messages"), NUMBER), exact=FLAG
    ),
    "Message": record(
        id=TEXT,
        message_id=TEXT,
        batch_id=nullable(ID),
        recipient=TEXT,
        state=one_of(inputs.STATES),
        send_at=TIME,
        events=list_of(component("Event")),
    ),
    "Event": record(
        kind=one_of(kind.name.lower() for kind in EventKind),
        at=TIME,
        recipient=nullable(TEXT),
        reply=nullable(TEXT),
    ),
    "LoggedEvent": LOGGED_EVENT,
    "Endpoint": record(**ENDPOINT),
    "EndpointWithSecret": record(**ENDPOINT, secret={**TEXT, "example": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}),
    "Delivery": record(**DELIVERY),
    "DeliveryDetails": record(**DELIVERY, body=TEXT),
    "Receipt": record(**RECEIPT),
    "ReceiptDetails": record(**RECEIPT, doubtful_messages=list_of(TEXT)),
    "DryRun": record(
        dry_run=FLAG, action=ACTION, batch_id=nullable(ID), status=nullable(STATUS), affected=NUMBER, **COUNTS
    ),
    "Account": record(
        username=TEXT,
        parent=nullable(TEXT),
        frozen_at=nullable(TIME),
        email={**TEXT, "description": "The contact address; empty if there is none."},
        doubt_policy=one_of(inputs.DOUBT_POLICIES),
        lateness_limit_seconds=nullable(NUMBER),
    ),
    "Now": record(
        at=TIME,
        running=list_of(component("Running")),
        has_more_running=FLAG,
        next=list_of(component("Coming")),
        has_more_next=FLAG,
        problems=list_of(component("Problem")),
        stopped=list_of(record(**RECEIPT, account=nullable(TEXT))),
    ),
    "Running": record(
        batch_id=nullable(ID),
        label=TEXT,
        account=TEXT,
        **CAMPAIGN,
        gate=one_of(status.value for status in GateStatus),
        **COUNTS,
        exact=FLAG,
        expanding=FLAG,
        rate=nullable({"type": "number"}),
        remaining_seconds=nullable(NUMBER),
        waits=nullable(TEXT),
    ),
    "Coming": record(
        at=TIME,
        batch_id=nullable(ID),
        label=TEXT,
        account=TEXT,
        **CAMPAIGN,
        messages=nullable(NUMBER),
        complete=FLAG,
        fate=one_of(fate.value for fate in Fate),
    ),
    "Problem": record(
        kind=one_of(kind.value for kind in Kind),
        severity=one_of(severity.value for severity in Severity),
        text=TEXT,
        since=nullable(TIME),
    ),
    "Pagination": record(limit=NUMBER, next=nullable(TEXT)),
    "Error": record(
        error={
            **record(code=TEXT, message=TEXT),
            "properties": {
                "code": {**TEXT, "example": "VALIDATION_ERROR"},
                "message": TEXT,
                "details": {"type": "object", "additionalProperties": list_of(TEXT)},
            },
        }
    ),
}


def one(name: str) -> Piece:
    return record(data=component(name))


def page_of(name: str) -> Piece:
    return record(data=list_of(component(name)), pagination=component("Pagination"))


def call(
    name: str,
    summary: str,
    *,
    tag: str,
    replies: dict[int, Reply],
    refusals: Iterable[int] = (),
    query: Form | tuple[()] = (),
    body: Form | None = None,
) -> Describe:
    """Describe a call that answers `replies`, or refuses with one of `refusals` or as every call may."""
    statuses = {*refusals, *ALWAYS, *(WITH_BODY if body else ()), *([422] if query else ())}
    refused = {status: Reply(REFUSALS[status], component("Error")) for status in sorted(statuses)}
    return openapi.call(name, summary, tag=tag, replies=replies | refused, query=query, body=body)


def move(name: str, summary: str, body: Form = inputs.MoveForm) -> Describe:
    """Describe a stop, a resume or a reschedule of one batch."""
    answer = {"oneOf": [one("ReceiptDetails"), one("DryRun")]}
    reply = Reply("The receipt. A dry run changes nothing and has the counts instead.", answer, RECEIPT_HEADERS)
    return call(name, summary, tag="batches", replies={200: reply}, refusals=[404], body=body)


def account_move(name: str, summary: str) -> Describe:
    """Describe a freeze, a thaw or a purge."""
    answer = {"oneOf": [one("ReceiptDetails"), one("DryRun")]}
    reply = Reply("The receipt. A dry run changes nothing and has the counts instead.", answer, RECEIPT_HEADERS)
    return call(name, summary, tag="account", replies={200: reply}, body=inputs.MoveForm)


def campaign_move(name: str, summary: str) -> Describe:
    """Describe a stop or a resume of one campaign."""
    answer = {"oneOf": [one("MovedCampaign"), one("DryRun")]}
    reply = Reply(
        "The campaign with its receipt. A dry run changes nothing and has the counts instead.", answer, RECEIPT_HEADERS
    )
    return call(name, summary, tag="campaigns", replies={200: reply}, refusals=[404], body=inputs.MoveForm)


def message_move(name: str, summary: str, body: Form) -> Describe:
    """Describe a change of single messages."""
    reply = Reply("The receipt.", one("ReceiptDetails"), RECEIPT_HEADERS)
    return call(name, summary, tag="messages", replies={200: reply}, refusals=[404], body=body)


# --- the calls, each above its view in views.py -----------------------------------------------------------------------

batches = extend_schema_view(
    get=call(
        "list_batches",
        "List the batches of the account, newest first",
        tag="batches",
        query=inputs.BatchesForm,
        replies={200: Reply("A page of batches.", page_of("Batch"))},
    ),
    post=call(
        "create_batch",
        "Create a batch",
        tag="batches",
        body=inputs.NothingForm,
        replies={201: Reply("The new batch.", one("Batch"))},
    ),
)
one_batch = extend_schema_view(
    get=call(
        "get_batch",
        "Get a batch: its status, its counts by state and its waves",
        tag="batches",
        replies={200: Reply("The batch.", one("BatchDetails"))},
        refusals=[404],
    ),
)
batch_messages = extend_schema_view(
    get=call(
        "list_messages",
        "List the messages of a batch, all or those in one state",
        tag="messages",
        query=inputs.MessagesForm,
        replies={
            200: Reply(
                "A page of messages. With `state`, a short page is not necessarily the last one.", page_of("Message")
            )
        },
        refusals=[404],
    ),
)
one_message = extend_schema_view(
    get=call(
        "get_message",
        "Get a message with its state and its events",
        tag="messages",
        replies={200: Reply("The message.", one("Message"))},
        refusals=[404],
    ),
)
pause_batch = extend_schema_view(
    post=move("pause_batch", "Pause a batch: no message of it is sent until it is resumed", inputs.PauseForm)
)
cancel_batch = extend_schema_view(post=move("cancel_batch", "Cancel a batch: its mail is discarded when it is due"))
resume_batch = extend_schema_view(post=move("resume_batch", "Resume a stopped batch"))
reschedule_batch = extend_schema_view(
    post=move("reschedule_batch", "Change the time of all waiting mail of a batch", inputs.RescheduleForm)
)
messages_in_hand = extend_schema_view(
    get=call(
        "list_messages_in_hand",
        "List the messages of the account that are held or in doubt",
        tag="messages",
        query=inputs.InHandForm,
        replies={200: Reply("A page of messages.", page_of("Message"))},
        refusals=[404],
    ),
)
replay_messages = extend_schema_view(
    post=message_move("replay_messages", "Send messages that are held or, again, in doubt", inputs.SelectionForm)
)
drop_messages = extend_schema_view(
    post=message_move("drop_messages", "Drop messages that are held or in doubt", inputs.SelectionForm)
)
cancel_message = extend_schema_view(
    post=message_move("cancel_message", "Stop one message, unless it was sent", inputs.ReasonForm)
)
reschedule_message = extend_schema_view(
    post=message_move("reschedule_message", "Change the time of one waiting message", inputs.OneRescheduleForm)
)
events = extend_schema_view(
    get=call(
        "list_events",
        "List the events of all messages in the order of the log, from a position on",
        tag="messages",
        query=inputs.EventsForm,
        replies={
            200: Reply(
                "A page of events. `next` is always the position behind it; there are no more events for now when it "
                "does not change.",
                page_of("LoggedEvent"),
            )
        },
    ),
)
endpoints = extend_schema_view(
    get=call(
        "list_endpoints",
        "List the endpoints of webhooks of the account in both dialects, oldest first",
        tag="webhooks",
        refusals=[422],
        replies={200: Reply("All endpoints, on one page.", page_of("Endpoint"))},
    ),
    post=call(
        "create_endpoint",
        "Create an endpoint of the native dialect, which gets the events from now on",
        tag="webhooks",
        body=inputs.NewEndpointForm,
        replies={201: Reply("The endpoint with its secret, which is never shown again.", one("EndpointWithSecret"))},
    ),
)
one_endpoint = extend_schema_view(
    get=call(
        "get_endpoint",
        "Get an endpoint",
        tag="webhooks",
        replies={200: Reply("The endpoint.", one("Endpoint"))},
        refusals=[404],
    ),
    patch=call(
        "change_endpoint",
        "Change an endpoint; its `kinds` are those of its dialect",
        tag="webhooks",
        body=inputs.EndpointForm,
        replies={200: Reply("The changed endpoint.", one("Endpoint"))},
        refusals=[404],
    ),
    delete=call(
        "delete_endpoint",
        "Delete an endpoint with its deliveries",
        tag="webhooks",
        replies={204: Reply("The endpoint is deleted.")},
        refusals=[404],
    ),
)
rotate_secret = extend_schema_view(
    post=call(
        "rotate_secret",
        "Give an endpoint another secret; the one before it also signs for 24 hours",
        tag="webhooks",
        body=inputs.NothingForm,
        replies={200: Reply("The endpoint with its secret, which is never shown again.", one("EndpointWithSecret"))},
        refusals=[404],
    ),
)
enable_endpoint = extend_schema_view(
    post=call(
        "enable_endpoint",
        "Enable an endpoint, and try at once what it failed at",
        tag="webhooks",
        body=inputs.NothingForm,
        replies={200: Reply("The endpoint.", one("Endpoint"))},
        refusals=[404],
    ),
)
replay_events = extend_schema_view(
    post=call(
        "replay_events",
        "Let an endpoint get again all events since a time",
        tag="webhooks",
        body=inputs.SinceForm,
        replies={200: Reply("The endpoint. Its deliveries begin within seconds.", one("Endpoint"))},
        refusals=[404],
    ),
)
deliveries = extend_schema_view(
    get=call(
        "list_deliveries",
        "List the deliveries of an endpoint, newest first, all or those in one state",
        tag="webhooks",
        query=inputs.DeliveriesForm,
        replies={200: Reply("A page of deliveries.", page_of("Delivery"))},
        refusals=[404],
    ),
)
one_delivery = extend_schema_view(
    get=call(
        "get_delivery",
        "Get a delivery with its body",
        tag="webhooks",
        replies={
            200: Reply(
                "The delivery. Its body has fewer events once the history of some messages is over.",
                one("DeliveryDetails"),
            )
        },
        refusals=[404],
    ),
)
replay_delivery = extend_schema_view(
    post=call(
        "replay_delivery",
        "Post an accepted delivery again with the same id",
        tag="webhooks",
        body=inputs.NothingForm,
        replies={200: Reply("The delivery with this attempt, which may have failed.", one("Delivery"))},
        refusals=[404],
    ),
)
receipts = extend_schema_view(
    get=call(
        "list_receipts",
        "List the receipts of stops and other changes, newest first",
        tag="receipts",
        query=inputs.ReceiptsForm,
        replies={200: Reply("A page of receipts.", page_of("Receipt"))},
    ),
)
one_receipt = extend_schema_view(
    get=call(
        "get_receipt",
        "Get a receipt with the ids of its messages in doubt",
        tag="receipts",
        replies={200: Reply("The receipt.", one("ReceiptDetails"))},
        refusals=[404],
    ),
)
one_account = extend_schema_view(
    get=call(
        "get_account",
        "Get the account that the request acts for",
        tag="account",
        replies={200: Reply("The account.", one("Account"))},
    ),
    patch=call(
        "change_account",
        "Change the account's contact address, and its policies for late mail and for mail in doubt",
        tag="account",
        body=inputs.AccountForm,
        replies={200: Reply("The changed account.", one("Account"))},
    ),
)
freeze_account = extend_schema_view(
    post=account_move("freeze_account", "Freeze an account: hold all mail of it and of its subusers")
)
thaw_account = extend_schema_view(post=account_move("thaw_account", "Thaw an account: release its mail"))
purge_account = extend_schema_view(
    post=account_move("purge_account", "Discard all waiting mail of a frozen account and of its subusers")
)
now = extend_schema_view(
    get=call(
        "get_now",
        "Get what is being sent, what comes within an hour, what needs a person, and what was stopped within a day",
        tag="account",
        refusals=[422],
        replies={200: Reply("The account and its subusers at this moment.", one("Now"))},
    ),
)
campaigns = extend_schema_view(
    get=call(
        "list_campaigns",
        "List the campaigns of the account, newest first, all or those with a text in their title",
        tag="campaigns",
        query=inputs.CampaignsForm,
        replies={200: Reply("A page of campaigns.", page_of("CampaignSummary"))},
    ),
)
one_campaign = extend_schema_view(
    get=call(
        "get_campaign",
        "Get a campaign by its id or UUID, with its messages by state",
        tag="campaigns",
        replies={200: Reply("The campaign.", one("CampaignDetails"))},
        refusals=[404],
    ),
)
pause_campaign = extend_schema_view(
    post=campaign_move("pause_campaign", "Pause a campaign: no message of it is sent until it is resumed")
)
resume_campaign = extend_schema_view(post=campaign_move("resume_campaign", "Resume a paused campaign"))
cancel_campaign = extend_schema_view(
    post=campaign_move("cancel_campaign", "Cancel a campaign: none of its unsent mail is ever sent")
)
keys = extend_schema_view(
    get=call(
        "list_keys",
        "List the valid keys of the account, oldest first",
        tag="keys",
        refusals=[422],
        replies={200: Reply("All keys, on one page.", page_of("Key"))},
    ),
)
revoke_key = extend_schema_view(
    post=call(
        "revoke_key",
        "Revoke a key of the account or a subuser, and stop what it scheduled if `stop_scheduled` is true",
        tag="keys",
        body=inputs.RevokeForm,
        replies={
            200: Reply(
                "The revoked key. A dry run changes nothing and has the counts instead.",
                {"oneOf": [one("RevokedKey"), one("RevocationDryRun")]},
            )
        },
        refusals=[404],
    ),
)
key_revocation = extend_schema_view(
    get=call(
        "get_key_revocation",
        "Get what was stopped with a revoked key so far",
        tag="keys",
        replies={200: Reply("The revoked key.", one("RevokedKey"))},
        refusals=[404, 422],
    ),
)
