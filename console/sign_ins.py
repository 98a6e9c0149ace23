"""Record the sign-ins of operators, so that the page Activity can show them.

A failed attempt is recorded with its name only if an operator has this name: people type passwords into the wrong
field.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest

from accounts.guessing import caller_address
from console.models import SignIn
from foundation.clock import Now
from mailer.sweep import PRUNE_EVERY, take_turn

KEPT: Final = dt.timedelta(days=365)
FAILED_KEPT: Final = 10_000
"""The number of failed attempts that are kept, the newest ones. So nobody can fill the table."""
PAGE: Final = 10_000
ADDRESS_LENGTH: Final = 64


def connect_signals() -> None:
    """Connect the receivers of the signals with which Django announces sign-ins, sign-outs and failed attempts."""
    user_logged_in.connect(_note_sign_in, dispatch_uid="console.sign_in")
    user_logged_out.connect(_note_sign_out, dispatch_uid="console.sign_out")
    user_login_failed.connect(_note_failure, dispatch_uid="console.failure")


def _note_sign_in(request: HttpRequest | None, user: Any, **_: object) -> None:
    _note(SignIn.Kind.SIGNED_IN, user.get_username(), request)


def _note_sign_out(request: HttpRequest | None, user: Any, **_: object) -> None:
    if user is not None:
        _note(SignIn.Kind.SIGNED_OUT, user.get_username(), request)


def _note_failure(credentials: dict[str, Any], request: HttpRequest | None = None, **_: object) -> None:
    name = str(credentials.get("username", "")).replace("\0", "")
    is_known = get_user_model().objects.filter(username=name).exists()
    _note(SignIn.Kind.FAILED, name if is_known else "", request)


def _note(kind: SignIn.Kind, username: str, request: HttpRequest | None) -> None:
    address = caller_address(request)[:ADDRESS_LENGTH] if request is not None else ""
    SignIn.objects.create(kind=kind, username=username, address=address)


def forget_in_turn() -> int:
    """Forget sign-ins as a duty of the sweeper, once an hour; return how many were deleted."""
    return forget_sign_ins() if take_turn("forget_sign_ins", PRUNE_EVERY) else 0


def forget_sign_ins() -> int:
    """Delete a page of old entries, and the failed attempts beyond the newest ones. Return the number of both."""
    failed = SignIn.objects.filter(kind=SignIn.Kind.FAILED).order_by("-pk").values_list("pk", flat=True)
    many = failed[FAILED_KEPT : FAILED_KEPT + PAGE]
    old = SignIn.objects.filter(at__lt=Now() - KEPT).order_by("at").values_list("pk", flat=True)[:PAGE]
    number, _ = SignIn.objects.filter(pk__in={*many, *old}).delete()
    return number
