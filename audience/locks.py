"""Make writers of one audience take turns, and limit the expensive calls of an account.

An expensive call is a search, a count or a launch that a caller waits for. An account may have a few at a time, one in
each of its places. A place is an advisory lock of the call's own transaction: it holds across all processes, ends with
the transaction or with its session, and works behind a pooler. Nobody waits for a place: a call that finds none is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from accounts.models import Account
from audience.errors import SearchTooSlow, TooManyCalls
from audience.queries import LIMIT_SEARCH, LOCK_AUDIENCE, TAKE_PLACE


def lock_audience(account: Account) -> None:
    """Take turns with all other writers of the account's contacts, memberships, lists and segments.

    The lock is held until the end of the transaction. Take it before any row of these tables.
    """
    with connection.cursor() as cursor:
        cursor.execute(LOCK_AUDIENCE, [account.pk, account.pk])


@contextmanager
def expensive_call(account_id: int) -> Iterator[None]:
    """Open a transaction for a caller who waits.

    Each of its statements may take `SEARCH_SECONDS`, and the account may have `EXPENSIVE_CALLS` of them at a time.
    Raises TooManyCalls and SearchTooSlow.
    """
    with time_limit(settings.SEARCH_SECONDS):
        take_place(account_id)
        yield


def take_place(account_id: int) -> None:
    """Take one of the account's places until the transaction ends. Raises TooManyCalls."""
    places = settings.EXPENSIVE_CALLS
    with connection.cursor() as cursor:
        for place in range(places):
            cursor.execute(TAKE_PLACE, [f"sluice expensive call {account_id} {place}"])
            row = cursor.fetchone()
            if row is not None and row[0]:
                return
    if places:
        raise TooManyCalls(f"{places} expensive calls of the account are under way")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Open a transaction each of whose statements may take this long. Raises SearchTooSlow."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(LIMIT_SEARCH, [str(max(1, int(seconds * 1000)))])
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTooSlow from None
        raise
