"""Pages of other origins may call the APIs where the operator allows it, and no other path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.keys import create_key
from accounts.models import Account
from api.document import document_text
from config import settings as product
from tests.urls import URLS

APP = "https://app.example.com"
MIDDLEWARE = "corsheaders.middleware.CorsMiddleware"
SHARED = ("/v3/", "/api/v1/", "/sluice/", "/Service.asmx", "/service.asmx", "/etframework.wsdl")
TOKENS = ("/v2/token", "/v1/requestToken", "/platform/v1/endpoints/soap")
Preflight = Callable[..., Any]


@pytest.fixture
def preflight(settings: Any, tmp_path: Any) -> Preflight:
    """Ask as a browser does before a page's request, which it does without a key."""
    settings.STATIC_ROOT = tmp_path
    settings.MIDDLEWARE = [settings.MIDDLEWARE[0], MIDDLEWARE, *settings.MIDDLEWARE[1:]]
    settings.CORS_ALLOWED_ORIGINS = [APP]

    def ask(url: str, origin: str = APP) -> Any:
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return Client(enforce_csrf_checks=True).options(url, headers=headers)

    return ask


def test_a_page_of_an_allowed_origin_can_send_mail(preflight: Preflight, alice: Account) -> None:
    permission = preflight("/v3/mail/send")
    assert (permission.status_code, permission["Access-Control-Allow-Origin"]) == (200, APP)
    assert "POST" in permission["Access-Control-Allow-Methods"]
    for name in ("authorization", "content-type", "on-behalf-of", "idempotency-key", "soapaction"):
        assert name in permission["Access-Control-Allow-Headers"].split(", ")
    headers = {"Origin": APP, "Authorization": f"Bearer {create_key(alice, 'page')[1]}"}
    answer = Client().get("/v3/scopes", headers=headers)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, APP)
    assert "origin" in answer["Vary"].lower()
    refused = Client().get("/v3/scopes", headers={"Origin": APP})
    assert (refused.status_code, refused["Access-Control-Allow-Origin"]) == (401, APP)
    for each in (permission, answer, refused):
        assert "Access-Control-Allow-Credentials" not in each


def test_a_page_can_read_every_header_that_is_described(preflight: Preflight) -> None:
    exposed = preflight("/v3/mail/send")["Access-Control-Expose-Headers"].split(", ")
    calls = [call for item in json.loads(document_text())["paths"].values() for call in item.values()]
    described = {name for call in calls for reply in call["responses"].values() for name in reply.get("headers", ())}
    assert {"X-Message-Id", "X-Sluice-Receipt"} <= described <= set(exposed)


@pytest.mark.parametrize("origin", ["https://evil.example", f"{APP}.evil.example", f"{APP}:8443", "null", "http://["])
def test_another_origin_gets_no_permission(origin: str, preflight: Preflight) -> None:
    assert "Access-Control-Allow-Origin" not in preflight("/v3/mail/send", origin)


def test_a_pattern_must_match_the_whole_origin(preflight: Preflight, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGIN_REGEXES = [product.whole(r"https://[a-z]+\.shop\.example|https://shop\.example")]
    for origin in ("https://a.shop.example", "https://shop.example"):
        assert preflight("/v3/mail/send", origin)["Access-Control-Allow-Origin"] == origin
    for origin in ("https://a.shop.example.evil.example", "https://shop.example.evil.example", "https://shopxexample"):
        assert "Access-Control-Allow-Origin" not in preflight("/v3/mail/send", origin)


def test_only_apis_are_shared(preflight: Preflight) -> None:
    for url in [*URLS, "/admin/", "/admin/in-hand/replay/", "/static/x", "/"]:
        is_api = url.startswith(SHARED) or url in TOKENS
        assert bool(re.match(product.CORS_URLS_REGEX, url)) == is_api, url
    for url in ("/docs/", "/healthz"):
        assert "Access-Control-Allow-Origin" not in preflight(url)


def test_without_the_setting_there_is_no_permission(database: None, settings: Any) -> None:
    assert MIDDLEWARE not in settings.MIDDLEWARE
    answer = Client().options("/v3/mail/send", headers={"Origin": APP, "Access-Control-Request-Method": "POST"})
    assert (answer.status_code, answer["Allow"]) == (200, "POST, OPTIONS")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
