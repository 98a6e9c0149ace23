"""Test the sign-in to the admin: guessing passwords slows the guesser, and nobody else."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import hashers
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from accounts import guessing
from config import signin

PASSWORD = "correct horse battery staple"
Attempt = Callable[..., Any]


@pytest.fixture(autouse=True)
def few_attempts(one_minute: None, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(guessing, "WRONG_PER_MINUTE", 3)


@pytest.fixture
def olivia(database: None) -> User:
    return User.objects.create_user("olivia", password=PASSWORD, is_staff=True)


@pytest.fixture
def sign_in() -> Attempt:
    """Post the sign-in form from an address that no other test uses: wrong attempts are counted for a minute."""
    proxy = f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"

    def attempt(username: str, password: str, *, address: str = proxy) -> Any:
        form = {"username": username, "password": password, "next": "/admin/"}
        return Client(REMOTE_ADDR=address).post("/admin/login/", form)

    return attempt


def test_a_correct_password_signs_in(olivia: User, sign_in: Attempt) -> None:
    assert sign_in("olivia", PASSWORD).status_code == 302


def test_a_name_that_is_guessed_waits_before_any_hash_is_computed(
    olivia: User, sign_in: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        assert "Please enter the correct username" in sign_in("olivia", "wrong").content.decode()
    monkeypatch.delattr(hashers, "verify_password")
    monkeypatch.delattr(hashers, "make_password")
    assert signin.LOCKED in sign_in("olivia", PASSWORD).content.decode()


def test_guessing_one_name_locks_out_nobody_else_behind_the_same_address(olivia: User, sign_in: Attempt) -> None:
    for number in range(5):
        sign_in("mallory", "wrong")
        sign_in(f"somebody-{number}", "wrong")
    assert signin.LOCKED in sign_in("mallory", "wrong").content.decode()
    assert sign_in("olivia", PASSWORD).status_code == 302


def test_guessing_a_name_does_not_lock_its_owner_out_at_another_address(olivia: User, sign_in: Attempt) -> None:
    for _ in range(4):
        sign_in("olivia", "wrong")
    assert sign_in("olivia", PASSWORD, address="198.51.100.7").status_code == 302


def test_one_address_has_one_hash_computed_at_a_time(
    olivia: User, sign_in: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_computing, may_end = threading.Event(), threading.Event()

    def wait(*_: object, **__: object) -> None:
        is_computing.set()
        may_end.wait(10)

    monkeypatch.setattr("django.contrib.auth.forms.authenticate", wait)

    def attempt() -> None:
        sign_in("olivia", "wrong")
        connection.close()

    first = threading.Thread(target=attempt)
    first.start()
    try:
        assert is_computing.wait(10)
        assert signin.BUSY in sign_in("another", "wrong").content.decode()
    finally:
        may_end.set()
        first.join()
    monkeypatch.undo()
    assert sign_in("olivia", PASSWORD).status_code == 302
