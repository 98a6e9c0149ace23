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

from accounts.models import Account
from audience.errors import SearchTooSlow, TooManyCalls
from audience.queries import LIMIT_AND_TAKE_PLACE, LIMIT_SEARCH, LOCK_AUDIENCE
from foundation.postgresql import SqlState, sqlstate_of


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
    with _refusing_slow_statements(), transaction.atomic():
        limit_and_take_place(account_id)
        yield


def limit_and_take_place(account_id: int) -> None:
    """Limit the statements of this transaction, and take one of the account's places. Raises TooManyCalls."""
    places = settings.EXPENSIVE_CALLS
    milliseconds = _milliseconds(settings.SEARCH_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(LIMIT_AND_TAKE_PLACE, {"account": account_id, "places": places, "milliseconds": milliseconds})
        ((_, is_taken),) = cursor.fetchall()
    if not is_taken:
        raise TooManyCalls(f"{places} expensive calls of the account are under way")


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Open a transaction each of whose statements may take this long. Raises SearchTooSlow."""
    with _refusing_slow_statements(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LIMIT_SEARCH, {"milliseconds": _milliseconds(seconds)})
        yield


@contextmanager
def _refusing_slow_statements() -> Iterator[None]:
    """Raise SearchTooSlow in place of the error of a statement that was cancelled."""
    try:
        yield
    except OperationalError as error:
        if sqlstate_of(error) == SqlState.QUERY_CANCELED:
            raise SearchTooSlow from None
        raise


def _milliseconds(seconds: float) -> str:
    return str(max(1, int(seconds * 1000)))
