"""Test accounts and keys in the admin: a secret is shown once, and viewing a page changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.keys import create_key, find_key, revoke_key
from accounts.models import Account, ApiKey, DoubtPolicy
from batches.handles import create_batch
from foundation.clock import database_now
from tests.examples import further
from tests.operators import logged_in

KEYS = "/admin/accounts/apikey/"
ACCOUNTS = "/admin/accounts/account/"
UNCHANGED = {"doubt_policy": 0, "time_zone": "UTC", "keys-TOTAL_FORMS": 0, "keys-INITIAL_FORMS": 0}
"""The fields of the account form that a test does not change."""


@pytest.fixture
def key(alice: Account) -> ApiKey:
    """Create a valid key of Alice."""
    return create_key(alice, "Website", ["mail.send"])[0]


def make_key(operator: Client, account: Account, name: str = "New", **more: Any) -> Any:
    return operator.post(f"{KEYS}add/", {"account": account.pk, "name": name, **more})


def secret_in(page: str) -> str:
    return page.split('<code id="secret">')[1].split("</code>")[0]


def test_every_page_opens_for_an_operator(operator: Client, alice: Account, key: ApiKey) -> None:
    account, key_page = f"{ACCOUNTS}{alice.pk}/", f"{KEYS}{key.pk}/"
    for path in (
        *(ACCOUNTS, f"{ACCOUNTS}add/", f"{account}change/", f"{account}delete/", f"{account}history/"),
        *(KEYS, f"{KEYS}add/", f"{key_page}change/", f"{key_page}revoke/", f"{key_page}history/"),
        *("/admin/auth/user/", "/admin/auth/user/add/", "/admin/auth/group/", "/admin/accounts/"),
    ):
        assert operator.get(path).status_code == 200, path


def test_a_stranger_is_asked_to_log_in(client: Client, database: None) -> None:
    for path in (ACCOUNTS, f"{ACCOUNTS}add/", KEYS, f"{KEYS}add/", f"{KEYS}1/revoke/"):
        answer = client.get(path)
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/admin/login/"), path


def test_a_new_keys_secret_is_shown_once_and_kept_nowhere(operator: Client, alice: Account) -> None:
    answer = make_key(operator, alice)
    secret = secret_in(answer.text)
    assert "no-store" in answer.headers["Cache-Control"]
    known_key = find_key(secret)
    assert known_key is not None
    assert known_key.account == alice
    later = [
        operator.get(path).text for path in (KEYS, f"{KEYS}{known_key.pk}/change/", f"{KEYS}{known_key.pk}/history/")
    ]
    assert not any(secret in page or secret.split(".")[2] in page for page in later)
    assert not any(secret in morsel.value for morsel in operator.cookies.values())
    assert not any(secret in str(session.get_decoded()) for session in Session.objects.all())
    assert not any(secret in str(entry.__dict__) for entry in LogEntry.objects.all())


def test_a_key_has_the_scopes_that_were_chosen_and_full_access_only_when_asked(
    operator: Client, alice: Account
) -> None:
    for form, scopes in (
        ({"scopes": ["mail.send"]}, ["mail.send"]),
        ({"scopes": ["user.profile.read", "ips.pools.create"]}, ["user.profile.read", "ips.pools.create"]),
        ({}, []),
        ({"has_full_access": "on", "scopes": ["mail.send"]}, ["*"]),
    ):
        key = find_key(secret_in(make_key(operator, alice, **form).text))
        assert key is not None
        assert key.scopes == scopes


def test_no_key_is_created_beyond_the_limit(operator: Client, key: ApiKey, settings: Any) -> None:
    settings.API_KEYS_LIMIT = 1
    answer = operator.post(f"{KEYS}add/", {"account": key.account_id, "name": "One too many"}, follow=True)
    assert "has reached its limit of keys" in answer.text
    assert ApiKey.objects.count() == 1


def test_a_key_is_revoked_by_post_and_not_by_looking(operator: Client, key: ApiKey) -> None:
    assert "Revoke this key?" in operator.get(f"{KEYS}{key.pk}/revoke/").text
    key.refresh_from_db()
    assert key.revoked_at is None
    answer = operator.post(f"{KEYS}{key.pk}/revoke/", follow=True)
    assert "is revoked" in answer.text
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert LogEntry.objects.get().change_message == "Revoked."


def test_revoking_a_revoked_key_is_reported(operator: Client, key: ApiKey) -> None:
    revoke_key(key.account, key.key_id)
    assert "was revoked before" in operator.post(f"{KEYS}{key.pk}/revoke/", follow=True).text


def test_a_key_is_never_edited_or_deleted(operator: Client, key: ApiKey) -> None:
    page = operator.get(f"{KEYS}{key.pk}/change/").text
    assert "secret_digest" not in page
    assert 'name="name"' not in page
    assert operator.post(f"{KEYS}{key.pk}/change/", {"name": "Other"}).status_code == 403
    assert operator.post(f"{KEYS}{key.pk}/delete/", {"post": "yes"}).status_code == 403
    key.refresh_from_db()
    assert key.name == "Website"


def test_a_form_from_elsewhere_is_refused(operator: Client, key: ApiKey) -> None:
    operator.handler.enforce_csrf_checks = True
    assert operator.post(f"{KEYS}{key.pk}/revoke/").status_code == 403
    key.refresh_from_db()
    assert key.revoked_at is None


def test_an_account_is_added_and_edited(operator: Client, alice: Account) -> None:
    operator.post(f"{ACCOUNTS}add/", {"username": "alices-shop", "parent": alice.pk, **UNCHANGED})
    shop = Account.objects.get(username="alices-shop")
    assert shop.parent == alice
    operator.post(f"{ACCOUNTS}{shop.pk}/change/", {"username": "shop", "parent": "", **UNCHANGED})
    shop.refresh_from_db()
    assert (shop.username, shop.parent) == ("shop", None)


@further
def test_a_parent_is_never_a_subuser_or_the_account_itself(operator: Client, alice: Account, charlie: Account) -> None:
    Account.objects.filter(pk=charlie.pk).update(parent=alice)
    answer = operator.post(f"{ACCOUNTS}add/", {"username": "third", "parent": charlie.pk})
    assert "a subuser cannot have subusers" in answer.text
    itself = operator.post(f"{ACCOUNTS}{alice.pk}/change/", {"username": "alice", "parent": alice.pk})
    assert "cannot be its own parent" in itself.text
    other = Account.objects.create(username="other")
    below = operator.post(f"{ACCOUNTS}{alice.pk}/change/", {"username": "alice", "parent": other.pk})
    assert "This account has subusers" in below.text
    alice.refresh_from_db()
    assert alice.parent is None


@further
def test_a_freeze_is_shown_and_not_edited(operator: Client, alice: Account) -> None:
    Account.objects.filter(pk=alice.pk).update(frozen_at=database_now())
    assert "frozen" in operator.get(ACCOUNTS).text
    changed = {"username": "alice-2", "frozen_at": "", "frozen": "", **UNCHANGED}
    operator.post(f"{ACCOUNTS}{alice.pk}/change/", changed)
    alice.refresh_from_db()
    assert alice.username == "alice-2"
    assert alice.frozen_at is not None
    Account.objects.create(username="sub", parent=alice)
    assert "frozen with its parent" in operator.get(ACCOUNTS).text


def test_the_contact_address_is_changed_if_mail_can_be_sent_to_it(operator: Client, alice: Account) -> None:
    page = f"{ACCOUNTS}{alice.pk}/change/"
    for email, stored in (("ops@example.com", "ops@example.com"), ("ops", "ops@example.com"), ("", "")):
        answer = operator.post(page, {**UNCHANGED, "username": "alice", "email": email})
        assert ("Mail cannot be sent to this address." in answer.text) is (email == "ops")
        alice.refresh_from_db()
        assert alice.email == stored


@further
def test_the_policies_for_doubt_and_lateness_are_chosen_and_explained(operator: Client, alice: Account) -> None:
    page = f"{ACCOUNTS}{alice.pk}/change/"
    for text in ("nobody gets it twice", "some perhaps twice", "is held for a person to decide"):
        assert text in operator.get(page).text
    operator.post(page, {**UNCHANGED, "username": "alice", "doubt_policy": 1, "lateness_limit": 600})
    alice.refresh_from_db()
    assert (alice.doubt_policy, alice.lateness_limit) == (DoubtPolicy.RESEND, 600)
    for wrong in ({"lateness_limit": 0}, {"lateness_limit": "soon"}, {"doubt_policy": 2}, {"doubt_policy": ""}):
        answer = operator.post(page, {**UNCHANGED, "username": "alice", **wrong})
        assert answer.status_code == 200, wrong
    operator.post(page, {**UNCHANGED, "username": "alice", "lateness_limit": ""})
    alice.refresh_from_db()
    assert (alice.doubt_policy, alice.lateness_limit) == (DoubtPolicy.HOLD, None)


@further
def test_an_account_with_batches_cannot_be_deleted(operator: Client, alice: Account, charlie: Account) -> None:
    create_batch(alice)
    create_key(charlie, "Only")
    assert f"{alice.pk}/delete/" not in operator.get(f"{ACCOUNTS}{alice.pk}/change/").text
    assert operator.post(f"{ACCOUNTS}{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator.post(f"{ACCOUNTS}{charlie.pk}/delete/", {"post": "yes"}).status_code == 302
    assert list(Account.objects.all()) == [alice]


def test_staff_without_permission_is_refused(alice: Account, key: ApiKey) -> None:
    with logged_in("ivan", may=("accounts.view_account", "accounts.view_apikey")) as viewer:
        assert viewer.get(f"{ACCOUNTS}{alice.pk}/change/").status_code == 200
        assert viewer.get(f"{KEYS}{key.pk}/change/").status_code == 200
        assert viewer.get(f"{KEYS}add/").status_code == 403
        assert viewer.post(f"{KEYS}add/", {"account": alice.pk, "name": "x"}).status_code == 403
        assert viewer.get(f"{KEYS}{key.pk}/revoke/").status_code == 403
        assert viewer.post(f"{KEYS}{key.pk}/revoke/").status_code == 403
        assert viewer.post(f"{ACCOUNTS}{alice.pk}/change/", {"username": "x"}).status_code == 403
    with logged_in("nobody", may=()) as nobody:
        assert nobody.get(ACCOUNTS).status_code == nobody.get(KEYS).status_code == 403
    assert ApiKey.objects.count() == 1


@further
def test_a_hostile_name_is_only_text(operator: Client, alice: Account) -> None:
    secret = make_key(operator, alice, "<script>alert(1)</script>")
    pk = ApiKey.objects.get().pk
    paths = (KEYS, f"{KEYS}{pk}/change/", f"{KEYS}{pk}/revoke/", f"{ACCOUNTS}{alice.pk}/change/")
    for page in (secret.text, *(operator.get(path).text for path in paths)):
        assert "<script>alert(1)" not in page
        assert "&lt;script&gt;alert(1)" in page


@further
def test_a_list_costs_the_same_for_one_and_for_many(
    operator: Client, alice: Account, django_assert_max_num_queries: Any
) -> None:
    for n in range(12):
        create_key(Account.objects.create(username=f"sub{n}", parent=alice), f"key {n}")
    for path in (ACCOUNTS, KEYS):
        with django_assert_max_num_queries(12):
            operator.get(path)
