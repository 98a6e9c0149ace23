"""No input causes a 500, and a refused request changes nothing."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from batches.models import Batch, Parcel, Receipt
from mailer.models import Message
from tests.api.conftest import ApiClient
from tests.api.fuzzed_bodies import values
from tests.examples import examples

FUZZ = settings(max_examples=examples(4))
V1 = "/sluice/v1"
MOVES = ("pause", "cancel", "resume", "reschedule")

names = st.sampled_from(["limit", "after", "status", "state", "batch_id", "action", "dry_run", "format", ""])
texts = st.text(max_size=8) | st.sampled_from(
    ["0", "-1", str(2**63), "1e3", "\u0661", "\0", "\ud800", "open", "sent", "held", "in_doubt", "1.0", "1_0"]
)
lists = st.sampled_from(["batches", "batches/{}", "batches/{}/messages", "messages", "receipts", "account"])


def everything() -> tuple[Any, ...]:
    """Return all rows that a request could change."""
    rows = (model.objects.order_by("pk").values() for model in (Account, Batch, Parcel))
    return *(list(each) for each in rows), Receipt.objects.count()


def assert_is_fine(client: ApiClient, method: str, path: str, body: bytes = b"") -> Any:
    before = everything()
    answer = client.ask(method, path, body)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/json"
        assert set(json.loads(answer.content)) == {"error"}
    if answer.status_code >= 400 or method == "GET":
        assert everything() == before
    return answer


@FUZZ
@given(route=lists, query=st.dictionaries(names, texts, max_size=3))
def test_any_query_is_answered(
    route: str, query: dict[str, str], client_of_alice: ApiClient, open_batch: Batch
) -> None:
    text = "&".join(f"{key}={quote(value, errors='surrogatepass')}" for key, value in query.items())
    assert_is_fine(client_of_alice, "GET", f"{V1}/{route.format(open_batch.public_id)}?{text}")


@FUZZ
@given(route=st.text(max_size=12), tail=st.sampled_from(["", "/pause", "/messages"]))
def test_any_path_is_answered(route: str, tail: str, client_of_alice: ApiClient) -> None:
    for head in ("batches", "messages", "receipts"):
        assert_is_fine(client_of_alice, "POST", f"{V1}/{head}/{quote(route, safe='', errors='surrogatepass')}{tail}")


moments = st.datetimes(timezones=st.sampled_from([None, dt.UTC, dt.timezone(dt.timedelta(hours=-23))])).map(
    dt.datetime.isoformat
)


def bodies_with(*names: str) -> st.SearchStrategy[bytes]:
    """Generate bodies with some of these fields and any values."""
    some = values | moments | st.sampled_from(["held", "in_doubt", "resend", True, ["1"]])
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, some)).map(json.dumps).map(str.encode)


@FUZZ
@given(
    move=st.sampled_from(MOVES),
    body=st.binary(max_size=40)
    | values.map(json.dumps).map(str.encode)
    | bodies_with("reason", "dry_run", "until", "retention_seconds", "send_at"),
)
def test_any_body_moves_or_is_refused(move: str, body: bytes, client_of_alice: ApiClient, open_batch: Batch) -> None:
    answer = assert_is_fine(client_of_alice, "POST", f"{V1}/batches/{open_batch.public_id}/{move}", body)
    assert answer.status_code in {200, 400, 409, 422}
    assert_is_fine(client_of_alice, "POST", f"{V1}/account/{'thaw' if move == 'resume' else 'freeze'}", body)


@FUZZ
@given(
    call=st.sampled_from(
        [
            *("POST messages/replay", "POST messages/drop", "POST messages/{}/cancel", "POST messages/{}/reschedule"),
            *("PATCH account", "POST account/purge"),
        ]
    ),
    body=bodies_with("state", "batch_id", "message_ids", "all", "reason", "send_at")
    | bodies_with("doubt_policy", "lateness_limit_seconds"),
)
def test_any_body_is_carried_out_or_refused(
    call: str, body: bytes, client_of_alice: ApiClient, open_batch: Batch
) -> None:
    method, path = call.split()
    message_id = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    answer = assert_is_fine(client_of_alice, method, f"{V1}/{path.format(message_id)}", body)
    assert answer.status_code in {200, 400, 409, 422}
