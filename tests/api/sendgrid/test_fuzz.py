"""No input causes a 500, and a refused request stores nothing."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches.models import Batch, Parcel, Receipt
from mailer.models import Mail, Message
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body

FUZZ = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 2**63, 10**400, 1e308, 0.5])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["", "\0", "\ud800", "a@b.c", "\r\n", "text/plain", "d-" + "a" * 32, "aGk=", "\u2028"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)

WHOLE_BODY = mail_body(
    personalizations=[
        {
            "to": [{"email": "john@example.com", "name": "John"}],
            "cc": [{"email": "cc@example.com"}],
            "bcc": [{"email": "bcc@example.com"}],
            "from": {"email": "me@example.com", "name": "Me"},
            "subject": "Mine",
            "headers": {"X-A": "1"},
            "substitutions": {"-a-": "1"},
            "custom_args": {"a": "1"},
            "dynamic_template_data": {"a": 1},
            "send_at": 1,
            "sent_at": 1,
        }
    ],
    reply_to={"email": "a@b.c", "name": "x"},
    reply_to_list=[],
    attachments=[{"content": "aGk=", "filename": "a", "type": "a/b", "disposition": "inline", "content_id": "x"}],
    headers={"X-B": "1"},
    categories=["a"],
    custom_args={"b": "1"},
    sections={"s": "t"},
    send_at=1,
    sent_at=1,
    ip_pool_name="pool",
    mail_settings={"footer": {"enable": True, "text": "t"}, "sandbox_mode": {"enable": False}},
    tracking_settings={"click_tracking": {"enable": True}},
)


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [below for key, inner in items for below in paths_of(inner, (*path, key))]


@st.composite
def bent_bodies(draw: st.DrawFn, whole: dict[str, Any] = WHOLE_BODY) -> dict[str, Any]:
    """Generate valid bodies with some parts replaced, removed or added."""
    body = copy.deepcopy(whole)
    for path in draw(st.lists(st.sampled_from(paths_of(whole)), max_size=4)):
        node: Any = body
        try:
            for part in path[:-1]:
                node = node[part]
            if draw(st.booleans()):
                node[path[-1]] = draw(values)
            else:
                del node[path[-1]]
        except (KeyError, IndexError, TypeError):
            continue
    return body


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Mail, Message, Parcel, Receipt))


def assert_is_fine(client: ApiClient, method: str, path: str, body: bytes) -> None:
    before = rows()
    answer = client.ask(method, path, body)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/json"
        assert all("message" in error for error in json.loads(answer.content)["errors"])
        assert rows() == before


def test_whole_body_is_accepted_before_it_is_bent(client_of_alice: ApiClient) -> None:
    assert client_of_alice.post("/v3/mail/send", WHOLE_BODY).status_code == 202


@FUZZ
@given(body=bent_bodies())
def test_bent_mail_is_sent_or_refused(body: dict[str, Any], client_of_alice: ApiClient) -> None:
    assert_is_fine(client_of_alice, "POST", "/v3/mail/send", json.dumps(body).encode())


@FUZZ
@given(body=st.binary(max_size=60) | values.map(lambda value: json.dumps(value).encode()))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v3/mail/send"),
        ("POST", "/v3/mail/batch"),
        ("POST", "/v3/user/scheduled_sends"),
        ("PATCH", "/v3/user/scheduled_sends/x"),
        ("POST", "/v3/api_keys"),
        ("PUT", "/v3/api_keys/x"),
        ("PATCH", "/v3/api_keys/x"),
    ],
)
def test_any_body_is_answered(method: str, path: str, body: bytes, client_of_alice: ApiClient) -> None:
    assert_is_fine(client_of_alice, method, path, body)


@FUZZ
@given(batch_id=values, status=values, name=values, scopes=values)
def test_any_values_of_the_small_bodies_are_answered(
    batch_id: Any, status: Any, name: Any, scopes: Any, client_of_alice: ApiClient
) -> None:
    stop = json.dumps({"batch_id": batch_id, "status": status}).encode()
    key = json.dumps({"name": name, "scopes": scopes}).encode()
    assert_is_fine(client_of_alice, "POST", "/v3/user/scheduled_sends", stop)
    assert_is_fine(client_of_alice, "POST", "/v3/api_keys", key)
    assert not Batch.objects.exists()
