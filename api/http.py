"""Read bodies of requests within bounds, and parse them as JSON that can be stored."""

from __future__ import annotations

import zlib
from codecs import BOM_UTF8
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.request import UnreadablePostError
from pydantic_core import from_json

from foundation.texts import has_nul

BODY = "sluice.body"
"""The name under which `keep_body` stores the body in the request's META."""
MAX_DEPTH = 201
"""The deepest nesting of objects and lists, which is the JSON parser's own bound."""


class BadBody(Exception):
    """Raised when a body cannot be read. Each API has a status and a text for each kind."""


class BodyTooLarge(BadBody):
    """Raised for a body of more than `MAX_BODY_BYTES`, before or after decompression."""


class UnknownEncoding(BadBody):
    """Raised when the Content-Encoding is not gzip."""


class NotUtf8(BadBody):
    """Raised when the body is not UTF-8."""


class NotJson(BadBody):
    """Raised when the body is incomplete, is not JSON, or is JSON that cannot be stored."""


class TooDeep(BadBody):
    """Raised when the JSON of the body is nested more than `MAX_DEPTH` deep."""


def read_body(request: HttpRequest) -> bytes:
    """Return the whole body, decompressed if it is gzipped. Raises BadBody."""
    body: bytes | None = request.META.get(BODY)
    return _read_body(request) if body is None else body


def keep_body(request: HttpRequest) -> bytes:
    """Return the body like `read_body`, and keep it for the next `read_body`. Raises BadBody."""
    body: bytes = request.META.setdefault(BODY, read_body(request))
    return body


def _read_body(request: HttpRequest) -> bytes:
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return read_within(request, settings.MAX_BODY_BYTES)
    if encoding in {"gzip", "x-gzip"}:
        return gunzip_within(read_within(request, settings.MAX_BODY_BYTES), settings.MAX_BODY_BYTES)
    raise UnknownEncoding


def read_within(request: HttpRequest, limit: int) -> bytes:
    """Return a body of at most `limit` bytes. A body that announces more is not read at all. Raises BadBody."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length[:20]) > limit:
        raise BodyTooLarge
    # Django reads nothing without a Content-Length; a server that unchunks a body says so.
    is_chunked = not length and request.META.get("wsgi.input_terminated", False)
    stream = request.META["wsgi.input"] if is_chunked else request
    try:
        body: bytes = stream.read(limit + 1)
    except (UnreadablePostError, OSError) as error:
        raise NotJson from error
    if len(body) > limit:
        raise BodyTooLarge
    return body


def gunzip_within(packed: bytes, limit: int) -> bytes:
    """Return the decompressed bytes, of which never more than `limit` and one are in memory. Raises BadBody.

    Only one gzip member is read: thirty megabytes of empty members would cost minutes.
    """
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        body = unpacker.decompress(packed, limit + 1)
    except zlib.error as error:
        raise NotJson from error
    if len(body) > limit:
        raise BodyTooLarge
    if not unpacker.eof or unpacker.unused_data:
        raise NotJson
    return body


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text (RFC 8259). Raises NotUtf8 and NotJson, also for NUL, which cannot be stored.

    A byte order mark before it is skipped (RFC 8259, section 8.1).

    Raises TooDeep for nesting beyond `MAX_DEPTH`. The parser bounds the digits of a number (4,300), too, and refuses
    lone surrogates.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise NotUtf8 from error
    if has_nul(body):
        raise NotJson
    try:
        return from_json(body.removeprefix(BOM_UTF8), allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise (TooDeep if str(error).startswith("recursion limit") else NotJson) from error


def read_object(request: HttpRequest, *, may_be_empty: bool = False) -> dict[str, Any]:
    """Return the JSON object of a request; an empty one for no body if that is allowed. Raises BadBody."""
    body = read_body(request)
    if may_be_empty and not body:
        return {}
    value = parse_json(body)
    if not isinstance(value, dict):
        raise NotJson
    return value


def read_array(request: HttpRequest) -> list[Any]:
    """Return the JSON array of a request. Raises BadBody."""
    value = parse_json(read_body(request))
    if not isinstance(value, list):
        raise NotJson
    return value
