"""Put addresses on the lists of suppressions, take them off, and read the lists.

An address is compared and kept in its canonical form (`foundation/addresses.py`). Putting an address on a list that has
it, or taking it off a list that does not have it, changes nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.lookups import BuiltinLookup

from accounts.models import Account
from foundation.addresses import address_key, spell_labels
from mailer.errors import UnknownGroup
from mailer.models import Suppression, SuppressionKind, UnsubscribeGroup
from mailer.suppressions import queries
from mailer.suppressions.groups import living_groups

PAGE = 10_000
LITERAL = re.compile(r"[\\_]")
"""The characters that LIKE would not take literally, except the per cent sign, which is the caller's wildcard."""


@TextField.register_lookup
class Like(BuiltinLookup):
    """SQL's LIKE, with a pattern of the caller: the ORM offers only parts of it."""

    lookup_name = "like"

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"like {rhs}"


class New(NamedTuple):
    """A suppression that is to be stored. `batch_id` and `message_id` name the mail it is due to, if any."""

    account_id: int
    email: str
    kind: SuppressionKind
    group_id: int | None = None
    reason: str = ""
    status: str = ""
    batch_id: int | None = None
    message_id: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a list.

    Its rows were made from `since` to `until`, and have addresses like `pattern` (from their beginning; `%` matches
    anything). `limit` rows follow the first `offset`.
    """

    limit: int
    offset: int = 0
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    pattern: str = ""


def suppress(new: Iterable[New]) -> int:
    """Put addresses on lists, in one statement, and return how many were not there yet."""
    # Everywhere the rows are in the same order, so that two transactions cannot deadlock.
    rows = sorted(
        {suppression._replace(email=address_key(suppression.email)) for suppression in new},
        key=lambda suppression: suppression[:3],
    )
    if not rows:
        return 0
    columns = dict(zip(New._fields, map(list, zip(*rows, strict=True)), strict=True))
    columns["kind"] = [int(row.kind) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(queries.ADD_SUPPRESSIONS, columns)
        return int(cursor.rowcount)


def leave_group(account: Account, group_id: int, emails: Iterable[str]) -> None:
    """Put addresses on a group's list or, if the account has deleted the group, on the list of those who get no mail.

    Raises UnknownGroup if the account never had such a group.
    """
    group = UnsubscribeGroup.objects.filter(account=account, pk=group_id).first()
    if group is None:
        raise UnknownGroup(group_id)
    if group.deleted_at is not None:
        leave_everything(account, emails)
        return
    suppress(New(account.pk, email, SuppressionKind.GROUP, group_id) for email in emails)


def leave_everything(account: Account, emails: Iterable[str]) -> None:
    """Put addresses on the list of those who get no mail of the account at all."""
    suppress(New(account.pk, email, SuppressionKind.GLOBAL) for email in emails)


def unsuppress(
    account: Account, kind: SuppressionKind, emails: Iterable[str], *, group: UnsubscribeGroup | None = None
) -> int:
    """Take addresses off a list, and return how many were on it."""
    keys = {address_key(email) for email in emails}
    return Suppression.objects.filter(account=account, kind=kind, group=group, email__in=keys).delete()[0]


def clear(account: Account, kind: SuppressionKind) -> None:
    """Take every address off a list."""
    Suppression.objects.filter(account=account, kind=kind).delete()


def find_suppressed(
    account: Account, kind: SuppressionKind, emails: Iterable[str], *, group: UnsubscribeGroup | None = None
) -> QuerySet[Suppression]:
    """Return the suppressions of these addresses that are on a list."""
    keys = {address_key(email) for email in emails}
    return Suppression.objects.filter(account=account, kind=kind, group=group, email__in=keys).order_by("email")


def list_suppressions(account: Account, kind: SuppressionKind, window: Window) -> tuple[list[Suppression], int]:
    """Return a part of a list, the newest first, and the number of all rows with its times and addresses."""
    rows = Suppression.objects.filter(account=account, kind=kind)
    if window.since is not None:
        rows = rows.filter(created_at__gte=window.since)
    if window.until is not None:
        # To the end of that second: the API has whole ones.
        rows = rows.filter(created_at__lt=window.until + dt.timedelta(seconds=1))
    if window.pattern:
        rows = rows.filter(email__like=LITERAL.sub(r"\\\g<0>", spell_labels(window.pattern).lower()) + "%")
    page = rows.order_by("-created_at", "-pk")[window.offset : window.offset + window.limit]
    return list(page), rows.count()


def read_groups(account: Account, group: UnsubscribeGroup | None = None) -> Iterator[Suppression]:
    """Yield the addresses that have unsubscribed from a group, or from any group of the account, by address.

    They are read a page at a time, since there may be millions.
    """
    suppressions = Suppression.objects.filter(account=account, kind=SuppressionKind.GROUP)
    suppressions = (
        suppressions.filter(group__in=living_groups(account)) if group is None else suppressions.filter(group=group)
    )
    suppressions, last = suppressions.select_related("group").order_by("email", "group"), ("", 0)
    while page := list(suppressions.filter(email__gte=last[0]).exclude(email=last[0], group__lte=last[1])[:PAGE]):
        yield from page
        last = page[-1].email, page[-1].group_id or 0


def groups_left(account: Account, email: str) -> set[int]:
    """Return the ids of the groups from which an address has unsubscribed."""
    rows = Suppression.objects.filter(account=account, kind=SuppressionKind.GROUP, email=address_key(email))
    return {group_id for group_id in rows.values_list("group", flat=True) if group_id is not None}
