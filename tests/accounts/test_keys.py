"""Test API keys from creation to revocation."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.errors import KeyLimitReached, ScopesNotGrantable, UnknownKey
from accounts.keys import (
    FULL_ACCESS,
    create_key,
    find_key,
    get_key,
    living_keys,
    rename_key,
    replace_scopes,
    revoke_key,
)
from accounts.models import Account, ApiKey
from tests.waiting import wait_until


def test_key_has_the_shape_that_clients_know(alice: Account) -> None:
    key, text = create_key(alice, "shop")
    assert re.fullmatch(r"SG\.[\w-]{22}\.[\w-]{43}", text, re.ASCII)
    assert text.split(".")[1] == key.key_id


def test_key_is_found_by_its_text_with_account_and_parent_in_one_read(alice: Account) -> None:
    child = Account.objects.create(username="child", parent=alice)
    key, text = create_key(child, "shop")
    known_key = find_key(text)
    assert known_key is not None
    with CaptureQueriesContext(connection) as queries:
        assert (known_key.pk, known_key.account, known_key.account.parent) == (key.pk, child, alice)
    assert len(queries) == 0
    for account in (known_key.account, known_key.account.parent):
        assert account.get_deferred_fields() == {"mail_defaults"}, "a long text is not read by each request"


def test_secret_is_not_stored(alice: Account) -> None:
    key, text = create_key(alice, "shop")
    secret = text.split(".")[2]
    with connection.cursor() as cursor:
        cursor.execute("select row_to_json(k)::text from accounts_apikey k where id = %s", [key.pk])
        (row,) = cursor.fetchone()
    assert secret not in row
    assert secret.encode().hex() not in row


def test_right_id_with_a_wrong_secret_finds_nothing(alice: Account) -> None:
    _, text = create_key(alice, "shop")
    _, other = create_key(alice, "other")
    head, key_id, _ = text.split(".")
    assert find_key(f"{head}.{key_id}.{other.split('.')[2]}") is None


OF_ANOTHER_FORM = [
    *("", "SG", "SG..", "SG.a.b", "sg." + "a" * 22 + "." + "b" * 43, "SG." + "\0" * 22 + "." + "b" * 43, "Ü" * 69)
]


def test_text_of_another_form_causes_no_query(database: None, subtests: pytest.Subtests) -> None:
    for text in OF_ANOTHER_FORM:
        with subtests.test(text=text):
            with CaptureQueriesContext(connection) as queries:
                assert find_key(text) is None
            assert len(queries) == 0


def test_text_with_a_trailing_newline_is_no_key(alice: Account) -> None:
    _, text = create_key(alice, "shop")
    assert find_key(text + "\n") is None


def test_revoked_key_is_dead_at_the_next_look(alice: Account) -> None:
    key, text = create_key(alice, "shop")
    assert find_key(text) is not None
    revoke_key(alice, key.key_id)
    assert find_key(text) is None
    assert list(living_keys(alice)) == []


def test_key_is_revoked_once(alice: Account) -> None:
    key, _ = create_key(alice, "shop")
    revoke_key(alice, key.key_id)
    revoked_at = ApiKey.objects.get(pk=key.pk).revoked_at
    with pytest.raises(UnknownKey):
        revoke_key(alice, key.key_id)
    assert ApiKey.objects.get(pk=key.pk).revoked_at == revoked_at


def test_charlie_can_do_nothing_to_a_key_of_alice(alice: Account, charlie: Account) -> None:
    key, text = create_key(alice, "shop")
    for attempt in (
        lambda: revoke_key(charlie, key.key_id),
        lambda: get_key(charlie, key.key_id),
        lambda: rename_key(charlie, key.key_id, "mine"),
        lambda: replace_scopes(charlie, key.key_id, "mine", ["mail.send"]),
    ):
        with pytest.raises(UnknownKey):
            attempt()
    known_key = find_key(text)
    assert known_key is not None
    assert (known_key.name, known_key.scopes) == ("shop", [FULL_ACCESS])
    assert list(living_keys(charlie)) == []


def test_revoked_key_is_not_renamed(alice: Account) -> None:
    key, _ = create_key(alice, "shop")
    revoke_key(alice, key.key_id)
    with pytest.raises(UnknownKey):
        rename_key(alice, key.key_id, "again")
    assert ApiKey.objects.get(pk=key.pk).name == "shop"


def test_limit_counts_valid_keys_of_the_account_only(alice: Account, charlie: Account, settings) -> None:
    settings.API_KEYS_LIMIT = 2
    first, _ = create_key(alice, "one")
    create_key(alice, "two")
    with pytest.raises(KeyLimitReached):
        create_key(alice, "three")
    create_key(charlie, "his")
    revoke_key(alice, first.key_id)
    create_key(alice, "three")


def test_a_key_cannot_get_scopes_that_its_creator_does_not_have(alice: Account) -> None:
    with pytest.raises(ScopesNotGrantable) as caught:
        create_key(alice, "more", ["mail.send", "api_keys.read"], giver=["mail.send", "api_keys.create"])
    assert caught.value.scopes == ["api_keys.read"]
    assert not living_keys(alice).exists()


def test_scopes_are_replaced_as_a_whole(alice: Account) -> None:
    key, _ = create_key(alice, "shop", ["mail.send", "stats.read"])
    assert replace_scopes(alice, key.key_id, "renamed", ["api_keys.read"]).scopes == ["api_keys.read"]
    assert get_key(alice, key.key_id).name == "renamed"


def test_two_at_once_do_not_both_take_the_last_place(alice: Account, settings) -> None:
    """The second waits for the first one's commit before it counts."""
    settings.API_KEYS_LIMIT = 1

    def attempt() -> bool:
        try:
            create_key(alice, "second")
        except KeyLimitReached:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            create_key(alice, "first")
            second = pool.submit(attempt)
            wait_until(lambda: second.done() or someone_waits_for_a_lock(), why="the second to reach the lock")
        assert second.result(timeout=10) is False
    assert living_keys(alice).get().name == "first"


def someone_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select exists (select from pg_locks where not granted)")
        row = cursor.fetchone()
    return bool(row and row[0])


def test_an_account_without_a_parent_is_found(alice: Account) -> None:
    _, text = create_key(alice, "shop")
    key = find_key(text)
    assert key is not None
    with CaptureQueriesContext(connection) as queries:
        assert key.account.parent is None
    assert len(queries) == 0
    alice.refresh_from_db()
    assert key.account.created_at == alice.created_at
