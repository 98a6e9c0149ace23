"""Define the errors of keys, subusers and idempotency keys."""

from __future__ import annotations

from collections.abc import Iterable

from foundation.errors import SluiceError


class UnknownKey(SluiceError):
    """The account has no valid key of that id. The key of another account and a revoked key give the same error."""

    code = "unknown_key"


class KeyLimitReached(SluiceError):
    """The account has as many valid keys as `API_KEYS_LIMIT` allows."""

    code = "key_limit_reached"


class ScopesNotGrantable(SluiceError):
    """Some of the scopes do not exist, or the key that would grant them does not have them."""

    code = "scopes_not_grantable"

    def __init__(self, scopes: Iterable[str]) -> None:
        self.scopes = sorted(scopes)
        super().__init__(f"scopes that cannot be given: {', '.join(self.scopes)}", field="scopes")


class UnknownSubuser(SluiceError):
    """The account has no direct subuser of that name or id."""

    code = "unknown_subuser"


class BadIdempotencyKey(SluiceError):
    """An idempotency key must have 1 to 255 visible ASCII characters."""

    code = "bad_idempotency_key"


class IdempotencyKeyReused(SluiceError):
    """The key was used for a request with another body."""

    code = "idempotency_key_reused"


class IdempotencyInProgress(SluiceError):
    """A request with this key is under way."""

    code = "idempotency_in_progress"
