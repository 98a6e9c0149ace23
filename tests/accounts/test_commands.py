"""Test the commands `manage.py create_account` and `create_key`."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command

from accounts.keys import FULL_ACCESS, find_key
from accounts.models import Account


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_account_is_created_below_its_parent(database: None) -> None:
    parent = run("create_account", "shop")
    assert parent == {"username": "shop", "id": Account.objects.get(username="shop").pk}
    child = run("create_account", "shop-eu", "--parent", "shop")
    assert Account.objects.get(pk=child["id"]).parent_id == parent["id"]


def test_without_json_the_account_is_printed_in_a_line(database: None) -> None:
    out = StringIO()
    call_command("create_account", "shop", stdout=out)
    assert out.getvalue() == f"account shop (id {Account.objects.get().pk})\n"


def test_an_existing_name_is_refused_or_reused(alice: Account) -> None:
    with pytest.raises(CommandError, match=r"'alice' exists. Add --if-missing"):
        run("create_account", "alice")
    assert run("create_account", "alice", "--if-missing") == {"username": "alice", "id": alice.pk}
    assert Account.objects.count() == 1


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "x" * 65, "a\nb", "ü"])
def test_impossible_name_is_refused(name: str, database: None) -> None:
    with pytest.raises(CommandError, match="cannot be a username"):
        call_command("create_account", "--if-missing", "--", name)
    assert not Account.objects.exists()


def test_parent_must_exist_and_be_no_subuser(alice: Account) -> None:
    Account.objects.create(username="child", parent=alice)
    with pytest.raises(CommandError, match="no account 'nobody'"):
        run("create_account", "x", "--parent", "nobody")
    with pytest.raises(CommandError, match="a subuser cannot have subusers"):
        run("create_account", "x", "--parent", "child")
    assert not Account.objects.filter(username="x").exists()


def test_key_is_printed_and_works(alice: Account) -> None:
    made = run("create_key", "alice", "--name", "cron", "--scope", "mail.send", "--scope", "mail.batch.create")
    key = find_key(made["api_key"])
    assert key is not None
    assert (key.key_id, key.name, key.account) == (made["api_key_id"], "cron", alice)
    assert key.scopes == ["mail.send", "mail.batch.create"]


def test_key_without_scope_has_full_access_and_is_printed_alone(alice: Account) -> None:
    out = StringIO()
    call_command("create_key", "alice", stdout=out)
    key = find_key(out.getvalue().strip())
    assert key is not None
    assert key.scopes == [FULL_ACCESS]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nobody"], "no account 'nobody'"),
        (["alice", "--scope", "mail.sned"], "mail.sned"),
        (["alice", "--name", ""], "1 to 100 characters"),
        (["alice", "--name", "x" * 101], "1 to 100 characters"),
    ],
)
def test_an_impossible_key_is_refused(arguments: list[str], complaint: str, alice: Account) -> None:
    with pytest.raises(CommandError, match=complaint):
        run("create_key", *arguments)
    assert not alice.keys.exists()


@pytest.fixture
def quick_passwords(settings: Any) -> None:
    """Hash passwords with an algorithm that takes no noticeable time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.mark.usefixtures("quick_passwords")
def test_the_first_run_makes_logins_that_work(database: None) -> None:
    out = StringIO()
    call_command("first_run", stdout=out)
    logins = json.loads(out.getvalue())
    key = find_key(logins["api_key"])
    assert key is not None
    assert key.account.username == "local"
    assert authenticate(username=logins["admin_username"], password=logins["admin_password"]) is not None


@pytest.mark.usefixtures("quick_passwords")
def test_a_second_first_run_keeps_the_first_operator(database: None) -> None:
    for expected in ("operator", "operator-"):
        out = StringIO()
        call_command("first_run", stdout=out)
        assert json.loads(out.getvalue())["admin_username"].startswith(expected)
    assert Account.objects.count() == 1
    assert get_user_model().objects.count() == 2
