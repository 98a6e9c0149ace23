"""Bodies are read within bounds, whatever the server passes on."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http.request import UnreadablePostError
from django.test import RequestFactory

from api.http import MAX_DEPTH, BodyTooLarge, NotJson, NotUtf8, TooDeep, gunzip_within, parse_json, read_body
from tests.examples import for_each


def request_of(body: bytes, **environ: Any) -> WSGIRequest:
    environ = {"CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)} | environ
    return WSGIRequest(RequestFactory()._base_environ(**environ))  # type: ignore[attr-defined]


def test_body_of_exactly_the_limit_is_read_and_one_byte_more_is_not(settings: Any) -> None:
    settings.MAX_BODY_BYTES = 10
    assert read_body(request_of(b"x" * 10)) == b"x" * 10
    with pytest.raises(BodyTooLarge):
        read_body(request_of(b"x" * 11))


def test_announced_length_over_the_limit_is_refused_unread(settings: Any) -> None:
    settings.MAX_BODY_BYTES = 10
    stream = BytesIO(b"x" * 20)
    with pytest.raises(BodyTooLarge):
        read_body(request_of(b"", CONTENT_LENGTH="11", **{"wsgi.input": stream}))
    assert stream.tell() == 0


def test_chunked_body_is_read_where_the_server_ends_it(settings: Any) -> None:
    settings.MAX_BODY_BYTES = 10
    chunked = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert read_body(request_of(b"x" * 10, **chunked)) == b"x" * 10
    with pytest.raises(BodyTooLarge):
        read_body(request_of(b"x" * 11, **chunked))


def test_client_that_went_away_has_sent_no_json(monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_of(b"{}")

    def fail(*args: object) -> bytes:
        raise UnreadablePostError

    monkeypatch.setattr(request, "read", fail)
    with pytest.raises(NotJson):
        read_body(request)


def test_gzip_stops_at_the_limit() -> None:
    assert gunzip_within(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000
    with pytest.raises(BodyTooLarge):
        gunzip_within(gzip.compress(b"x" * 1001), 1000)


@for_each("text", [rb'"\u0000"', rb'"\\\u0000"', rb'{"\u0000":1}', rb'"\ud800"', b"NaN", b"", b"1 2"])
def test_json_that_cannot_be_stored_is_refused(text: bytes) -> None:
    with pytest.raises(NotJson):
        parse_json(text)


def test_json_that_can_be_stored_is_read() -> None:
    assert parse_json(rb'["\\u0000", "\ud83d\ude00", 1e2]') == [r"\u0000", "😀", 100.0]


@pytest.mark.parametrize("text", [b'"\xff"', b'"\xed\xa0\x80"', "é".encode("latin-1")])
def test_bytes_that_are_not_utf8_are_a_separate_error(text: bytes) -> None:
    with pytest.raises(NotUtf8):
        parse_json(text)


def test_nesting_is_bounded_with_an_error() -> None:
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for deep in (b"[" * (MAX_DEPTH + 1), b'{"a":' * 1_000_000):
        with pytest.raises(TooDeep):
            parse_json(deep)
