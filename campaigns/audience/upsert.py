"""Contacts are stored, many at a time: one COPY, and a few statements for all of them.

In: drafts (`drafts.py`), some of which may have been refused already. Out: what became of each. All in one transaction,
which may be part of the caller's; the writers of an account take turns, so the result is that of one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.db import connection, transaction
from pydantic_core import to_json

from accounts.models import Account
from campaigns.audience.contacts import lock_audience
from campaigns.audience.drafts import ContactDraft
from campaigns.audience.lists import check_lists
from campaigns.audience.queries import (
    ADD_MEMBERS,
    COPY_GIVEN,
    INSERT_NEW,
    LEFT_TO_MATCH,
    MAKE_ROOM,
    MATCH,
    OUTCOMES,
    TEXT_FIELDS,
    UPDATE_MATCHED,
)
from campaigns.errors import InvalidContact
from mailer.copying import copy_rows

TAKEN: Final = "taken by "


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not stored: why, and which of its fields is to blame."""

    reason: str
    field: str | None


@dataclass(slots=True)
class Upserted:
    """What became of the rows, by their positions from 0. `contact_ids` are those of all rows that are stored now, the
    unmodified ones included."""

    created: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    unmodified: list[int] = field(default_factory=list)
    rejected: dict[int, Rejected] = field(default_factory=dict)
    contact_ids: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Lot:
    """The rows that name one contact, put together; `later` are those after the first, and whether each added
    something."""

    first: int
    draft: ContactDraft
    later: list[tuple[int, bool]] = field(default_factory=list)


def upsert_contacts(
    account: Account, rows: Sequence[ContactDraft | InvalidContact], *, list_ids: Collection[int] = ()
) -> Upserted:
    """Store up to some ten thousand contacts, and put them on lists. Raises UnknownList; nothing is stored then.

    The contact is the one that the first of the row's identifiers finds; a row whose identifiers belong to different
    contacts is rejected. Rows for the same contact are applied one after the other.
    """
    result = Upserted()
    lots = list(_gather(rows, result))
    with transaction.atomic(), connection.cursor() as cursor:
        lock_audience(account)
        check_lists(account, list_ids)
        cursor.execute(MAKE_ROOM)
        copy_rows(COPY_GIVEN, map(_columns, lots))
        # Rounds: of several lots for one contact, which identifiers in the database alone can tell, one has its turn.
        while _matched(account):
            cursor.execute(UPDATE_MATCHED)
            cursor.execute(INSERT_NEW, {"account": account.pk})
        cursor.execute(OUTCOMES)
        outcomes = {number: (outcome, contact_id) for number, outcome, contact_id in cursor.fetchall()}
        for lot in lots:
            _tell(lot, *outcomes[lot.first], result)
        if list_ids and result.contact_ids:
            contacts = sorted(set(result.contact_ids.values()))
            cursor.execute(ADD_MEMBERS, {"lists": sorted(set(list_ids)), "contacts": contacts})
    for numbers in (result.created, result.updated, result.unmodified):
        numbers.sort()
    return result


def _matched(account: Account) -> bool:
    """Whether there was anything left to match."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT_TO_MATCH)
        row = cursor.fetchone()
        if not row or not row[0]:
            return False
        cursor.execute(MATCH, {"account": account.pk})
    return True


def _gather(rows: Iterable[ContactDraft | InvalidContact], result: Upserted) -> Iterator[Lot]:
    """Put rows that share an identifier together, so that no two lots do."""
    lots: list[Lot] = []
    by_identifier: dict[tuple[str, str], Lot] = {}
    for number, row in enumerate(rows):
        if isinstance(row, InvalidContact):
            result.rejected[number] = Rejected(str(row), row.field)
            continue
        names = list(row.identifiers.items())
        found = [(name, lot) for name, value in names if (lot := by_identifier.get((name, value)))]
        lot = found[0][1] if found else Lot(number, row)
        if strange := next((name for name, other in found if other is not lot), None):
            result.rejected[number] = _taken(strange)
            continue
        if found:
            merged = _merge(lot.draft, row)
            lot.later.append((number, merged != lot.draft))
            lot.draft = merged
        else:
            lots.append(lot)
        by_identifier |= dict.fromkeys(names, lot)
    return iter(lots)


def _merge(draft: ContactDraft, later: ContactDraft) -> ContactDraft:
    return replace(
        draft,
        **later.identifiers,
        texts={**draft.texts, **later.texts},
        alternate_emails=draft.alternate_emails if later.alternate_emails is None else later.alternate_emails,
        custom={**draft.custom, **later.custom},
    )


def _columns(lot: Lot) -> tuple[object, ...]:
    """In the order of `COPY_GIVEN`."""
    draft = lot.draft
    return (
        lot.first,
        draft.email,
        draft.phone_number_id,
        draft.external_id,
        draft.anonymous_id,
        *(draft.texts.get(name) for name in TEXT_FIELDS),
        None if draft.alternate_emails is None else list(draft.alternate_emails),
        custom_json(draft.custom) if draft.custom else None,
    )


def custom_json(custom: Mapping[int, object]) -> str:
    """The values of custom fields as a contact keeps them."""
    return to_json({str(field_id): value for field_id, value in custom.items()}).decode()


def _tell(lot: Lot, outcome: str, contact_id: int | None, result: Upserted) -> None:
    """What became of a lot is what became of its first row, and of the later ones that added nothing to it or did."""
    numbers = [lot.first, *(number for number, _ in lot.later)]
    if contact_id is None:
        rejected = _taken(outcome.removeprefix(TAKEN))
        result.rejected |= dict.fromkeys(numbers, rejected)
        return
    result.contact_ids |= dict.fromkeys(numbers, contact_id)
    {"created": result.created, "updated": result.updated, "unmodified": result.unmodified}[outcome].append(lot.first)
    for number, is_change in lot.later:
        (result.updated if is_change else result.unmodified).append(number)


def _taken(identifier: str) -> Rejected:
    return Rejected(f"the {identifier} belongs to another contact", identifier)
