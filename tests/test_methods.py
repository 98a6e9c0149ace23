"""Every URL reports its methods truthfully, in each 405 and to OPTIONS."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.keys import create_key
from accounts.models import Account
from tests.examples import few_by_default
from tests.urls import URLS

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")


@pytest.fixture
def ask(alice: Account, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask as a caller with a key that may do everything; a token against forged requests is never there."""
    monkeypatch.setattr("config.docs.document_text", lambda: "{}")
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {create_key(alice, 'a test')[1]}"})
    return lambda method, url: client.generic(method, url, content_type="application/json")


@pytest.mark.parametrize("step", few_by_default([1, 12], 12))
def test_a_url_supports_exactly_the_methods_in_allow(ask: Any, settings: Any, tmp_path: Any, step: int) -> None:
    """A step of 12 walks every twelfth URL."""
    settings.STATIC_ROOT = tmp_path
    assert len(URLS) > 100
    for url in [*URLS[::step], "/Service.asmx?WSDL"]:
        with CaptureQueriesContext(connection) as queries:
            answer = Client(enforce_csrf_checks=True).options(url)
        assert (answer.status_code, answer.content, len(queries)) == (200, b"", 0), url
        allow = answer["Allow"]
        supported = set(allow.split(", "))
        assert "OPTIONS" in supported, url
        assert ("GET" in supported) == ("HEAD" in supported), url
        for method in METHODS:
            answer = ask(method, url)
            assert (answer.status_code != 405) == (method in supported), (method, url, answer.status_code)
            if answer.status_code == 405:
                assert answer["Allow"] == allow, (method, url)
