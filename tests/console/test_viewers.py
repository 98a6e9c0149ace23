"""A poll takes its operator from memory, for some seconds and for nothing else than polls."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console import fragments, viewers
from foundation.redis_client import client_for

PAGE = "/admin/batches/batch/"
POLLS = ("/admin/health/?live=1", "/admin/?live=1")
SECONDS = 60.0


@pytest.fixture
def viewer(database: None, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr(viewers, "REMEMBERED_SECONDS", SECONDS)
    user = User.objects.create(username="viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_batch"))
    return user


@pytest.fixture
def tab(viewer: User) -> Client:
    tab = Client()
    tab.force_login(viewer)
    return tab


def let_memory_end() -> None:
    """Let the time pass for which viewers are remembered."""
    client = fragments.redis()
    remembered = list(client.scan_iter("sluice:viewer:*"))
    assert remembered
    for name in remembered:
        assert client.ttl(name) != -1
        assert client.pttl(name) <= SECONDS * 1000
        client.delete(name)


def tables_read(tab: Client, address: str) -> str:
    """Return the statements that a request needs, as one text."""
    with CaptureQueriesContext(connection) as statements:
        assert tab.get(address).status_code == 200
    return " ".join(statement["sql"] for statement in statements)


def test_only_the_first_of_several_polls_reads_the_session_and_the_operator(tab: Client) -> None:
    for address in POLLS:
        first, second = tables_read(tab, address), tables_read(tab, address)
        assert ("django_session" in first, "auth_user" in first) == (address == POLLS[0],) * 2
        assert "django_session" not in second
        assert "auth_" not in second
    assert "django_session" in tables_read(tab, PAGE)


def test_polls_end_some_seconds_after_an_operator_was_locked_out(tab: Client, viewer: User) -> None:
    seen = tab.get(POLLS[1]).text
    assert "Running" in seen
    User.objects.filter(pk=viewer.pk).update(is_active=False)
    assert "Running" in tab.get(POLLS[1]).text
    assert tab.get(PAGE).status_code == 302
    let_memory_end()
    assert tab.get(POLLS[1]).status_code == 302


def test_polls_lose_a_permission_some_seconds_later(tab: Client, viewer: User) -> None:
    assert "Running" in tab.get(POLLS[1]).text
    viewer.user_permissions.clear()
    let_memory_end()
    assert "You may not see batches" in tab.get(POLLS[1]).text


def test_nobody_is_remembered_for_another_session(tab: Client, operator: Client) -> None:
    assert operator.get("/admin/auth/user/add/?live=1").status_code == 200
    assert tab.get("/admin/auth/user/add/?live=1").status_code == 403
    assert operator.get("/admin/auth/user/add/?live=1").status_code == 200
    assert Client().get(POLLS[0]).status_code == 302


def test_polls_are_answered_while_redis_is_away(tab: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    away = client_for("redis://127.0.0.1:1/0", timeout_seconds=0.1)
    for module in (fragments, viewers):
        monkeypatch.setattr(module, "redis", lambda: away)
    assert "Running" in tab.get(POLLS[1]).text
