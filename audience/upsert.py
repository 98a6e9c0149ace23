"""Store many contacts at a time.

The input is a sequence of drafts (`drafts.py`), some of which may already have been refused. The output is the result
of each row. The contacts that the drafts name are read with one statement for each kind of identifier, the drafts are
applied to them in order, and the results are written by COPY. All of this is one transaction, which may be part of the
caller's. It holds the account's lock, so no other writer changes the contacts between the read and the write.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection, transaction
from pydantic_core import to_json

from accounts.models import Account
from audience.drafts import ContactDraft
from audience.errors import InvalidContact
from audience.lists import check_lists
from audience.locks import lock_audience
from audience.models import IDENTIFIERS, TEXT_FIELDS
from audience.queries import (
    ADD_MEMBERS,
    CHANGE,
    COPY_CHANGED,
    COPY_NEW,
    COUNT_NEW,
    DRAW_IDS,
    FIND_BY_IDENTIFIER,
    MAKE_ROOM,
    VACATE,
    VALUES,
)
from foundation.clock import database_now
from foundation.statements import copy_rows

Row = ContactDraft | InvalidContact

NOTHING: Final[dict[str, Any]] = {
    **dict.fromkeys(IDENTIFIERS),
    **dict.fromkeys(TEXT_FIELDS, ""),
    "alternate_emails": [],
    "custom": {},
}
"""The values of a new contact. They are replaced, never changed in place."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not stored has a reason, and the field that caused it."""

    reason: str
    field: str | None


@dataclass(slots=True)
class Upserted:
    """The results of the rows, by their positions from 0.

    `contact_ids` has an entry for every row that is stored now, including the unmodified ones.
    """

    created: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    unmodified: list[int] = field(default_factory=list)
    rejected: dict[int, Rejected] = field(default_factory=dict)
    contact_ids: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ContactState:
    """The current state of a contact, after the rows that were applied so far.

    `id` is 0 for a new contact. `vacated` holds the identifiers that it had in the database and no longer has.
    """

    id: int
    values: dict[str, Any]
    is_changed: bool = False
    vacated: dict[str, str] = field(default_factory=dict)


def upsert_contacts(account: Account, rows: Sequence[Row], *, list_ids: Collection[int] = ()) -> Upserted:
    """Store up to some ten thousand contacts, and put them on lists. Raises UnknownList; nothing is stored then.

    The first identifier of a row that is known selects the contact. A row whose identifiers belong to different
    contacts is rejected. Of several rows for the same contact, the later ones change what the earlier ones have stored.
    """
    result = Upserted()
    with transaction.atomic():
        lock_audience(account)
        check_lists(account, list_ids)
        ledger = Ledger(_read_known(account, rows))
        stored = {number: contact for number, row in enumerate(rows) if (contact := ledger.apply(number, row, result))}
        _write(account, ledger)
        result.contact_ids = {number: contact.id for number, contact in stored.items()}
        if list_ids and stored:
            members = {"lists": sorted(set(list_ids)), "contacts": sorted(set(result.contact_ids.values()))}
            with connection.cursor() as cursor:
                cursor.execute(ADD_MEMBERS, members)
    return result


class Ledger:
    """Keep the contacts that rows name, by their identifiers, and apply the rows to them."""

    def __init__(self, contacts: Iterable[ContactState]) -> None:
        self.contacts = list(contacts)
        self.by_identifier: dict[tuple[str, str], ContactState] = {}
        for contact in self.contacts:
            for name in IDENTIFIERS:
                if (value := contact.values[name]) is not None:
                    self.by_identifier[name, value] = contact

    def apply(self, number: int, row: Row, result: Upserted) -> ContactState | None:
        """Apply a row and record its result. Return its contact, or None if the row was rejected."""
        if isinstance(row, InvalidContact):
            result.rejected[number] = Rejected(str(row), row.field)
            return None
        identifiers = row.identifiers
        matches = [(pair[0], match) for pair in identifiers.items() if (match := self.by_identifier.get(pair))]
        contact = matches[0][1] if matches else _new_contact()
        if identifier := next((name for name, match in matches if match is not contact), None):
            result.rejected[number] = Rejected(f"the {identifier} belongs to another contact", identifier)
            return None
        is_changed = self._change(contact, row, identifiers)
        if not matches:
            self.contacts.append(contact)
            result.created.append(number)
        else:
            (result.updated if is_changed else result.unmodified).append(number)
        return contact

    def _change(self, contact: ContactState, row: ContactDraft, identifiers: Mapping[str, str]) -> bool:
        """Apply a row to a contact, and return whether it changed anything."""
        values = contact.values
        changes: dict[str, Any] = {name: value for name, value in row.texts.items() if values[name] != value}
        if row.alternate_emails is not None and values["alternate_emails"] != (
            alternates := list(row.alternate_emails)
        ):
            changes["alternate_emails"] = alternates
        if row.custom and values["custom"] != (custom := _with_custom(values["custom"], row.custom)):
            changes["custom"] = custom
        renamed = [pair for pair in identifiers.items() if values[pair[0]] != pair[1]]
        for name, value in renamed:
            self._rename(contact, name, value)
        values.update(changes)
        is_changed = bool(changes or renamed)
        contact.is_changed |= is_changed
        return is_changed

    def _rename(self, contact: ContactState, name: str, value: str) -> None:
        old, contact.values[name] = contact.values[name], value
        self.by_identifier[name, value] = contact
        if old is not None:
            del self.by_identifier[name, old]
            if contact.id:
                contact.vacated.setdefault(name, old)


def _with_custom(custom: Mapping[str, object], changes: Mapping[int, object]) -> dict[str, object]:
    """Return the custom values with changes applied; None removes a value."""
    merged = {**custom, **{str(field_id): value for field_id, value in changes.items()}}
    return {key: value for key, value in merged.items() if value is not None}


def _new_contact() -> ContactState:
    return ContactState(0, NOTHING.copy())


def _read_known(account: Account, rows: Iterable[Row]) -> Iterable[ContactState]:
    """Return the contacts of the account that have an identifier which a row names."""
    named: dict[str, set[str]] = {name: set() for name in IDENTIFIERS}
    for row in rows:
        if isinstance(row, ContactDraft):
            for name, value in row.identifiers.items():
                named[name].add(value)
    states: dict[int, ContactState] = {}
    with connection.cursor() as cursor:
        for name, identifiers in named.items():
            if identifiers:
                cursor.execute(FIND_BY_IDENTIFIER[name], {"account": account.pk, "values": sorted(identifiers)})
                for contact_id, *columns in cursor.fetchall():
                    values = dict(zip(VALUES, columns, strict=True))
                    # Django's connections return JSON as text.
                    states[contact_id] = ContactState(contact_id, values | {"custom": json.loads(values["custom"])})
    return states.values()


def _write(account: Account, ledger: Ledger) -> None:
    new = [contact for contact in ledger.contacts if not contact.id]
    changed = [contact for contact in ledger.contacts if contact.id and contact.is_changed]
    with connection.cursor() as cursor:
        if changed:
            _vacate(ledger, changed)
            cursor.execute(MAKE_ROOM)
            copy_rows(COPY_CHANGED, ((contact.id, *_columns(contact)) for contact in changed))
            cursor.execute(CHANGE)
        if new:
            now = database_now()
            cursor.execute(DRAW_IDS, [len(new)])
            for contact, (contact_id,) in zip(new, cursor.fetchall(), strict=True):
                contact.id = contact_id
            copy_rows(COPY_NEW, ((contact.id, account.pk, now, now, *_columns(contact)) for contact in new))
            cursor.execute(COUNT_NEW, [len(new), account.pk])


def _vacate(ledger: Ledger, changed: Iterable[ContactState]) -> None:
    """Free the identifiers that one contact gives up and another one gets."""
    for name in IDENTIFIERS:
        leaving = [
            contact.id
            for contact in changed
            if name in contact.vacated and (name, contact.vacated[name]) in ledger.by_identifier
        ]
        if leaving:
            with connection.cursor() as cursor:
                cursor.execute(VACATE[name], [leaving])


def _columns(contact: ContactState) -> tuple[object, ...]:
    """Return the values of a contact in the order of `VALUES`."""
    *columns, custom = (contact.values[name] for name in VALUES)
    return (*columns, to_json(custom).decode())
