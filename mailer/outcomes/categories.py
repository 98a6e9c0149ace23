"""Find the categories of an account's mail.

A category exists as long as there are counters of it: from the first mail until three years after the last one.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from django.db import connection

from accounts.models import Account
from mailer.outcomes.queries import FIND_CATEGORIES, LIST_CATEGORIES


class Page(NamedTuple):
    """A part of a list: `limit` entries after the first `offset`."""

    limit: int
    offset: int = 0


def list_categories(account: Account, page: Page, *, prefix: str = "") -> tuple[list[str], bool]:
    """Return the names of a page of categories that begin with `prefix`, and whether there are more after it.

    The statement walks over all names before the page, at about ten microseconds each.
    """
    last = page.offset + page.limit + 1
    with connection.cursor() as cursor:
        cursor.execute(LIST_CATEGORIES, {"account": account.pk, "prefix": prefix, "offset": page.offset, "last": last})
        names = [name for (name,) in cursor.fetchall()]
    return names[: page.limit], len(names) > page.limit


def find_categories(account: Account, names: Collection[str]) -> set[str]:
    """Return those of some names that are categories of the account."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_CATEGORIES, {"account": account.pk, "names": list(names)})
        return {name for (name,) in cursor.fetchall()}
