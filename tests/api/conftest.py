"""Provide clients with keys for tests of every API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from accounts.keys import create_key
from accounts.models import Account, ApiKey
from campaigns import testing
from config.web import server
from mailer.pipeline.deliver import Deliverer
from tests.api.stored_objects import Ids, ids_of
from tests.web.serving import serving


class ApiClient:
    """A client with one key.

    A body is sent as JSON unless it is bytes; `headers` are added to those of the request.
    """

    def __init__(self, account: Account, key: ApiKey, key_text: str) -> None:
        self.account = account
        self.key = key
        self.key_text = key_text
        self.http = Client()

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.key_text}"} | options.pop("headers", {})
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        content_type = options.pop("content_type", "application/json")
        return self.http.generic(method, path, data, content_type=content_type, headers=headers, **options)

    def get(self, path: str, **options: Any) -> Any:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.ask("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.ask("PUT", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.ask("PATCH", path, body, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self.ask("DELETE", path, **options)


@pytest.fixture(scope="session", autouse=True)
def settings_of_apis(tmp_path_factory: pytest.TempPathFactory, django_test_environment: None) -> Iterator[None]:
    """Set a folder for static files that exists, or WhiteNoise warns, and the IP pools that callers may name."""
    folder = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=folder, IP_POOLS=frozenset({"pool", "marketing", "main"})):
        yield


NewClient = Callable[..., ApiClient]


@pytest.fixture
def new_client(database: None) -> NewClient:
    """Return a function that makes a client with a new key: `new_client(account, scopes=[…])`."""

    def make(account: Account, scopes: list[str] | None = None) -> ApiClient:
        key, text = create_key(account, "a test's key", scopes)
        return ApiClient(account, key, text)

    return make


@pytest.fixture
def client_of_alice(alice: Account, new_client: NewClient) -> ApiClient:
    return new_client(alice)


@pytest.fixture
def client_of_charlie(charlie: Account, new_client: NewClient) -> ApiClient:
    return new_client(charlie)


@pytest.fixture
def subuser(alice: Account) -> Account:
    """Create a subuser of Alice."""
    return Account.objects.create(username="alice-shop", parent=alice)


@pytest.fixture
def server_url(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the base URL of the site, served by the web server itself."""
    monkeypatch.setattr(server, "TICK_SECONDS", 0.02)  # each of the three loops ends with its next tick
    with serving(WSGIHandler()) as site:
        yield f"http://127.0.0.1:{site.port}"


@pytest.fixture
def ids(alice: Account, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch) -> Ids:
    """Create objects of Alice and her subuser; tests of campaigns do not wait for their delivery."""
    monkeypatch.setattr(testing, "WAIT_SECONDS", 0.0)
    return ids_of(alice, deliverer)


@pytest.fixture
def database_away(database: None) -> Iterator[None]:
    """Point Django to a port without PostgreSQL and close its open connection. Clients are to be made before."""
    known = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connection.close()
    connection.settings_dict.update(HOST="/nowhere", PORT="1")
    yield
    connection.close()
    connection.settings_dict.update(known)
