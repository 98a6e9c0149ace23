"""Describe the call of `views/now.py`."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_view

from api.native.schema.words import COUNTS, ID, RECEIPT, call, envelope_of
from api.openapi import FLAG, NUMBER, TEXT, TIME, Piece, Reply, component, list_of, nullable, one_of, record
from batches.verdict import GateStatus
from monitoring.coming import Fate
from monitoring.problems import Kind, Severity

CAMPAIGN: dict[str, Piece] = {"campaign_id": nullable(TEXT), "campaign_uuid": nullable(TEXT)}
COMPONENTS: dict[str, Piece] = {
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
}

now = extend_schema_view(
    get=call(
        "get_now",
        "Get what is being sent, what comes within an hour, what needs a person, and what was stopped within a day",
        tag="account",
        refusals=[422],
        replies={
            200: Reply(
                "The running, coming and stopped mail of the account and its subusers, and the problems.",
                envelope_of("Now"),
            )
        },
    ),
)
