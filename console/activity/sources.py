"""Read the newest receipts, changes and sign-ins that a filter selects, a page of each.

Each source is read by descending id, which is also the order of time, beginning below the last id that was shown. A day
is found by an index on the time. So a page costs the same however long the history is.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import BooleanField, Case, Exists, Model, OuterRef, QuerySet, Value, When
from django.db.models.functions import Cast

from accounts.models import Account, ApiKey
from batches.models import Receipt
from console.models import SignIn

DAY: Final = dt.timedelta(days=1)
SLACK: Final = dt.timedelta(minutes=1)
"""The time by which the order of ids may differ from that of times."""
OPERATOR: Final = "operator "


@dataclass(frozen=True, slots=True)
class Filter:
    """Select entries by a person or key, an account, and a day in UTC. None selects all."""

    person: str = ""
    account: Account | None = None
    day: dt.date | None = None

    @property
    def operator(self) -> str:
        """Return the username of the person, if it may be an operator."""
        return self.person.removeprefix(OPERATOR)

    @property
    def actor(self) -> str:
        """Return the person or key as receipts name it. A key is found by its id."""
        if " " in self.person:
            return self.person
        key = ApiKey.objects.filter(key_id=self.person).first()
        return f"key {key.key_id} ({key.name})" if key else f"{OPERATOR}{self.person}"


class Source(NamedTuple):
    """A table of activity: the letter that stands for it in an address, who may see it, its rows and their time."""

    letter: str
    permission: str
    select: Callable[[Filter], QuerySet[Any]]
    time: str


def read_page(source: Source, filters: Filter, *, below: int | None, limit: int) -> list[tuple[dt.datetime, Any]]:
    """Return the newest rows with ids below one, each with its time."""
    rows = source.select(filters)
    if filters.day is not None:
        rows = _on_day(rows, source.time, filters.day)
    if below is not None:
        rows = rows.filter(pk__lt=below)
    return [(getattr(row, source.time), row) for row in rows.order_by("-pk")[:limit]]


def _on_day(rows: QuerySet[Any], time: str, day: dt.date) -> QuerySet[Any]:
    """Return the rows of a day. Their ids are between those of the neighbouring rows of the whole table."""
    since = dt.datetime.combine(day, dt.time.min, dt.UTC)
    until = since + DAY
    every = rows.model._default_manager
    start = every.filter(**{f"{time}__gte": since - SLACK}).order_by(time).values("pk")[:1]
    last = every.filter(**{f"{time}__lt": until + SLACK}).order_by(f"-{time}").values("pk")[:1]
    return rows.filter(pk__gte=start, pk__lte=last, **{f"{time}__gte": since, f"{time}__lt": until})


def _receipts(filters: Filter) -> QuerySet[Receipt]:
    rows = Receipt.objects.select_related("account", "batch").defer("claims", "doubtful_messages")
    if filters.person:
        rows = rows.filter(actor=filters.actor)
    return rows.filter(account=filters.account) if filters.account else rows


def _changes(filters: Filter) -> QuerySet[LogEntry]:
    rows = LogEntry.objects.select_related("user", "content_type")
    if filters.person:
        rows = rows.filter(user__username=filters.operator)
    if filters.account:
        rows = rows.filter(Case(*_objects_of(filters.account), default=Value(False), output_field=BooleanField()))
    return rows


def _objects_of(account: Account) -> Iterator[When]:
    """Yield the conditions under which a changed object is the account or belongs to it, each for one model."""
    yield When(content_type=ContentType.objects.get_for_model(Account), then=Exists(_same(Account, pk=account.pk)))
    for model in apps.get_models():
        if admin.site.is_registered(model) and any(field.name == "account" for field in model._meta.fields):
            changed = ContentType.objects.get_for_model(model)
            yield When(content_type=changed, then=Exists(_same(model, account=account)))


def _same(model: type[Model], **conditions: Any) -> QuerySet[Any]:
    """Return the row of the model that an entry of the log is about, if it meets the conditions."""
    key = Cast(OuterRef("object_id"), model._meta.pk)
    return model._default_manager.filter(pk=key).filter(**conditions)


def _sign_ins(filters: Filter) -> QuerySet[SignIn]:
    rows = SignIn.objects.all()
    if filters.account:
        return rows.none()
    return rows.filter(username=filters.operator) if filters.person else rows


RECEIPTS: Final = Source("r", "batches.view_receipt", _receipts, "created_at")
CHANGES: Final = Source("c", "admin.view_logentry", _changes, "action_time")
SIGN_INS: Final = Source("s", "console.view_signin", _sign_ins, "at")
SOURCES: Final = (RECEIPTS, CHANGES, SIGN_INS)
