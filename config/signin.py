"""Sign operators in to the admin, with a throttle that acts before the password hash is computed.

A password hash takes a few tenths of a second of CPU, so every attempt is expensive, including attempts for names that
do not exist. Two rules bound the work:

* After `WRONG_PER_MINUTE` wrong passwords for one name from one address, that pair waits until the minute is over
  (`accounts/guessing.py`). Other names from the same address, such as that of a proxy, are not affected.
* A process computes one hash at a time for one address, whatever the names. A second attempt is answered at once
  instead of occupying a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.core.exceptions import ValidationError
from unfold.forms import AuthenticationForm

from accounts import guessing

LOCKED: Final = "Too many wrong passwords for this username. Wait one minute, then try again."
BUSY: Final = "Another sign-in from your network address is being checked. Try again in a moment."
_lock = threading.Lock()
_addresses_at_work: set[str] = set()


class SignInForm(AuthenticationForm):  # type: ignore[misc]  # Unfold's forms have no types.
    """Extend unfold's form with the throttle."""

    def clean(self) -> dict[str, Any]:
        """Authenticate the operator.

        Raises:
            ValidationError: the password is wrong, or the attempt was not examined because of the throttle.
        """
        username = self.cleaned_data.get("username")
        if username is None or not self.cleaned_data.get("password"):
            return dict(super().clean())
        caller = guessing.identify_caller(self.request, f"admin {username}")
        if guessing.is_locked(caller):
            raise ValidationError(LOCKED, code="locked")
        with _only_one_at_work(guessing.caller_address(self.request)):
            try:
                return dict(super().clean())
            except ValidationError:
                guessing.note_wrong(caller)
                raise


@contextmanager
def _only_one_at_work(address: str) -> Iterator[None]:
    """Raise ValidationError while this process is checking another attempt from the same address."""
    with _lock:
        if address in _addresses_at_work:
            raise ValidationError(BUSY, code="busy")
        _addresses_at_work.add(address)
    try:
        yield
    finally:
        with _lock:
            _addresses_at_work.discard(address)
