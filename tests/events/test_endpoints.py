"""Test endpoints: their secrets are encrypted, and their lanes begin at the newest place."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from accounts.models import Account
from events.models import Dialect, Endpoint, LogEntry
from events.webhooks.endpoints import create_endpoint, disable, enable, rotate_secret, sign_with_ecdsa
from events.webhooks.secrets import LostSecret, decrypt
from events.webhooks.signing import write_secret
from foundation.clock import database_now


def test_a_new_endpoint_begins_at_the_newest_place(alice: Account) -> None:
    entry = LogEntry.objects.create(account_id=alice.pk, at=database_now(), bases=[], fences=[])
    endpoint = create_endpoint(alice, Dialect.NATIVE, "https://example.com")
    assert {lane.place for lane in endpoint.lanes.all()} == {entry.place}
    assert [lane.number for lane in endpoint.lanes.order_by("number")] == [0, 1, 2, 3]


def test_secrets_are_encrypted_and_rotated(alice: Account, settings: Any) -> None:
    endpoint = create_endpoint(alice, Dialect.NATIVE, "https://example.com")
    first = endpoint.secret
    text = rotate_secret(endpoint)
    endpoint.refresh_from_db()
    assert endpoint.secret
    assert endpoint.previous_secret
    assert first
    secret = decrypt(endpoint.secret)
    assert text == write_secret(secret)
    assert secret not in bytes(endpoint.secret)
    assert decrypt(endpoint.previous_secret) == decrypt(first)

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of which nothing was encrypted"
    assert decrypt(endpoint.secret) == secret
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(LostSecret):
        decrypt(endpoint.secret)


def test_a_public_key_comes_and_goes_with_its_private_key(alice: Account) -> None:
    endpoint = create_endpoint(alice, Dialect.SENDGRID, "https://example.com")
    sign_with_ecdsa(endpoint, is_signed=True)
    endpoint.refresh_from_db()
    assert endpoint.public_key.startswith("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE")
    assert endpoint.private_key
    assert b64decode(endpoint.public_key) not in decrypt(endpoint.private_key)
    sign_with_ecdsa(endpoint, is_signed=False)
    assert Endpoint.objects.values_list("private_key", "public_key").get() == (None, "")


def test_an_endpoint_is_disabled_with_a_reason_and_enabled_without(alice: Account) -> None:
    endpoint = create_endpoint(alice, Dialect.SENDGRID, "https://example.com")
    disable(endpoint, reason="it is gone")
    disable(endpoint, reason="again")
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason) == (False, "it is gone")
    enable(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.is_enabled, endpoint.disabled_reason, endpoint.disabled_at) == (True, "", None)
