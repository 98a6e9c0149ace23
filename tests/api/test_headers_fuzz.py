"""No header causes a 500. Line breaks and NUL are not tried, since no server passes them on."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from batches.handles import create_batch
from tests.api.conftest import ApiClient
from tests.api.sendgrid.bodies import mail_body
from tests.examples import examples, further

FUZZ = settings(max_examples=examples(10))

odd_values = st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n"), max_size=20)
"""Bytes as WSGI represents them, in Latin-1."""
SPECIAL = {
    "HTTP_AUTHORIZATION": [
        "Bearer",
        "Bearer ",
        "bearer\t{key}",
        "Basic YTpi",
        "Bearer SG.a.b",
        "Bearer \xff\xe9",
        "Bearer {key} x",
        "{key}",
    ],
    "HTTP_ON_BEHALF_OF": ["alice-shop", "account-id 1", f"account-id {'9' * 30}", "account-id \xb2", "alice", " "],
    "CONTENT_TYPE": [
        "application/json",
        'application/json; charset="',
        "application/json;charset=none",
        ";",
        "text/plain",
    ],
    "HTTP_CONTENT_ENCODING": ["gzip", "x-gzip", "br", "identity", "gzip, gzip", " GZIP "],
    "CONTENT_LENGTH": ["", "0", "-1", "+2", "1_0", "2 ", "\xb2", "1e3", "0x2", "9" * 18, "9" * 5000],
    "HTTP_TRANSFER_ENCODING": ["chunked", "gzip, chunked"],
    "HTTP_IDEMPOTENCY_KEY": ["", "a", "a b", "x" * 255, "x" * 256],
    "HTTP_ACCEPT": ["text/html", "*/*;q=0", ";;q=x", "application/json; indent=99999999999"],
    "HTTP_HOST": ["localhost", "localhost:99999", "[::1", "evil.example", "a\xffb", "..", ""],
    "HTTP_X_FORWARDED_HOST": ["evil.example", "\xff"],
    "HTTP_X_FORWARDED_PROTO": ["https", "javascript"],
    "HTTP_X_FORWARDED_FOR": ["1.2.3.4", "x" * 1000],
    "HTTP_X_HTTP_METHOD_OVERRIDE": ["DELETE"],
    "HTTP_COOKIE": ["csrftoken=\xff", "sessionid=x; sessionid", "=;="],
    "HTTP_ACCEPT_LANGUAGE": ["xx-" * 200, "de;q=\xb2"],
    "HTTP_EXPECT": ["100-continue"],
    "HTTP_IF_MODIFIED_SINCE": ["never"],
    "HTTP_RANGE": ["bytes=5-1"],
}
one_header = st.sampled_from(list(SPECIAL)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(SPECIAL[name]) | odd_values)
)
# A few at a time: if all were odd, every request would fail at the first one.
headers = st.lists(one_header, min_size=1, max_size=3).map(dict)
calls = st.sampled_from(
    [
        *(("GET", "/sluice/v1/batches"), ("POST", "/sluice/v1/batches"), ("POST", "/sluice/v1/batches/{}/pause")),
        *(("POST", "/sluice/v1/account/thaw"), ("GET", "/sluice/v1/openapi.json"), ("GET", "/docs/")),
        *(("POST", "/v3/mail/send"), ("POST", "/v3/mail/batch"), ("GET", "/v3/user/scheduled_sends")),
        *(("POST", "/v3/user/scheduled_sends"), ("DELETE", "/v3/user/scheduled_sends/{}"), ("GET", "/v3/nothing")),
    ]
)
SITE = WSGIHandler()


def ask(method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
    """Send a request as a WSGI server does, with little validation."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(body),
        "wsgi.input_terminated": "HTTP_TRANSFER_ENCODING" in headers,
        "wsgi.errors": BytesIO(),
    } | headers
    responses: list[Any] = []
    answer = SITE(environ, lambda status, headers_out, exc_info=None: responses.append((status, headers_out)))
    content = b"".join(answer)
    answer.close()
    return int(responses[0][0][:3]), dict(responses[0][1]), content


@pytest.fixture
def batch_id(alice: Account) -> str:
    return create_batch(alice).public_id


def test_the_calls_succeed_before_their_headers_are_mutated(client_of_alice: ApiClient, batch_id: str) -> None:
    for (method, path), status in (
        (("POST", "/v3/mail/send"), 200),
        (("POST", "/sluice/v1/batches/{}/pause"), 200),
        (("DELETE", "/v3/user/scheduled_sends/{}"), 204),
    ):
        key = {"HTTP_AUTHORIZATION": f"Bearer {client_of_alice.key_text}"}
        assert ask(method, path.format(batch_id), key, body_for(path))[0] == status


@further
def test_each_odd_header_is_answered(client_of_alice: ApiClient, batch_id: str) -> None:
    for name, values in SPECIAL.items():
        for value in values:
            for call in (("GET", "/sluice/v1/batches"), ("POST", "/v3/mail/send")):
                assert_is_answered(call, {name: value}, client_of_alice, batch_id)


@FUZZ
@given(call=calls, headers=headers)
def test_any_header_is_answered(
    call: tuple[str, str], headers: dict[str, str], client_of_alice: ApiClient, batch_id: str
) -> None:
    assert_is_answered(call, headers, client_of_alice, batch_id)


def assert_is_answered(call: tuple[str, str], headers: dict[str, str], client: ApiClient, batch_id: str) -> None:
    method, path = call
    bent = {name: value.replace("{key}", client.key_text) for name, value in headers.items()}
    key = {"HTTP_AUTHORIZATION": f"Bearer {client.key_text}"}
    status, answer_headers, content = ask(method, path.format(batch_id), key | bent, body_for(path))
    assert status < 500, (call, bent, content)
    if status >= 400 and path != "/docs/":
        assert answer_headers["Content-Type"] == "application/json"
        assert set(json.loads(content)) & {"error", "errors"}


def body_for(path: str) -> bytes:
    sandbox = {"sandbox_mode": {"enable": True}}
    return json.dumps(mail_body(mail_settings=sandbox)).encode() if path == "/v3/mail/send" else b"{}"
