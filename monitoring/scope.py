"""Define whose mail is looked at: everything, or an account with its subusers."""

from __future__ import annotations

from dataclasses import dataclass

from accounts.models import Account


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts whose mail is looked at; None: all of them."""

    account_ids: frozenset[int] | None = None

    @property
    def ids(self) -> list[int] | None:
        """Return the ids as a parameter of a statement; None: all accounts."""
        return None if self.account_ids is None else sorted(self.account_ids)


EVERYTHING = Scope()


def scope_of(account: Account) -> Scope:
    """Return the account and its subusers."""
    return Scope(frozenset({account.pk, *account.subusers.values_list("pk", flat=True)}))
