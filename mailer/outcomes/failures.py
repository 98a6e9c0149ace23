"""Find the refusals and deferrals of an account, a batch or a time, and group them by reason.

A page reads a limited number of rows, the newest ones, and tells how far it looked. Exact numbers come from the
counters, which do not count by reply.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef, Q, TextField
from django.db.models.functions import Cast

from mailer import models
from mailer.models import Classification, EventKind, Measure, Series
from mailer.outcomes.classes import GIVEN_UP, code_of, find_status
from mailer.outcomes.counters import HOUR, QUARTER, read_counters
from mailer.outcomes.queries import FAILURES_OF_ACCOUNT, FAILURES_OF_ALL, FAILURES_OF_BATCH

LOOKED_AT: Final = 5_000
"""The most events that are looked at."""
PARCELS_LOOKED_AT: Final = 5_000
"""The most parcels of a batch whose events are looked at: 2,500,000 messages, if the parcels are full."""
REPLY_LENGTH: Final = 300
"""The number of characters of a reply that are read."""
VARIABLE: Final = "#"
"""The placeholder for the words that differ from message to message."""
TWICE: Final = f"{VARIABLE} {VARIABLE}"
CODE: Final = re.compile(r"[245]\d\d|[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
IS_VARIABLE: Final = re.compile(r"[\d@]|::|\w[.:]+\w|[a-z][A-Z]|\A\W*[0-9A-F]{6,}\W*\Z")
"""Matches a word with a digit, an address, a host name, a URL, or letters mixed as in an id."""


class Scope(NamedTuple):
    """The failures to look for: of an account or a batch (None: all), between two times."""

    account_id: int | None = None
    batch_id: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


class Failure(NamedTuple):
    """A refusal or deferral of a message for one recipient, or for all of them (`recipient` is None)."""

    message_id: int
    kind: EventKind
    at: dt.datetime
    recipient: str | None
    reply: str
    recipients: int
    classification: Classification
    account_id: int


class Look(NamedTuple):
    """Some failures, the newest first, and whether these are all of them.

    If not, `oldest` is the time of the oldest failure that was looked at; None for a batch, whose newest parcels are
    looked at.
    """

    failures: list[Failure]
    is_complete: bool
    oldest: dt.datetime | None = None


@dataclass(slots=True)
class Tally:
    """The number of recipients who were refused and deferred. A recipient who is deferred twice counts twice."""

    refused: int = 0
    deferred: int = 0

    @property
    def total(self) -> int:
        return self.refused + self.deferred

    def add(self, kind: EventKind | Measure, number: int) -> None:
        """Count recipients of an event of one of the two kinds."""
        if kind == EventKind.REFUSED:
            self.refused += number
        elif kind == EventKind.DEFERRED:
            self.deferred += number


@dataclass(slots=True)
class ClassTally(Tally):
    """The failures of one classification, with their status codes and provider groups, if these were counted."""

    codes: Counter[str] = field(default_factory=Counter)
    groups: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class ReasonGroup(Tally):
    """Failures whose replies differ only in the words that vary from message to message. The newest comes first."""

    classification: Classification = Classification.UNCLASSIFIED
    reason: str = ""
    failures: list[Failure] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return a short name for a URL, the same in every process."""
        return hashlib.sha256(f"{int(self.classification)} {self.reason}".encode()).hexdigest()[:16]

    @property
    def example(self) -> Failure:
        return self.failures[0]

    @property
    def code(self) -> str:
        """Return the enhanced status code of the newest reply, or else its first three digits."""
        return find_status(self.example.reply) or code_of(self.example.reply)

    @property
    def first_at(self) -> dt.datetime:
        return self.failures[-1].at

    @property
    def last_at(self) -> dt.datetime:
        return self.failures[0].at


def has_failures() -> Q:
    """Return the condition that mail of a batch was refused or deferred in the last 90 days, by its counters.

    It is for the column of a query of batches. A default batch has no counters.
    """
    of_batch = {"series": Series.BATCH, "account_id": OuterRef("account_id"), "key": Cast(OuterRef("pk"), TextField())}
    failures = {**of_batch, "measure__in": (Measure.REFUSED, Measure.DEFERRED)}
    folded = models.Counter.objects.filter(**failures, span=QUARTER)
    return Exists(folded) | Exists(models.CounterDelta.objects.filter(**failures))


def look_for_failures(scope: Scope, *, limit: int | None = None) -> Look:
    """Return the newest failures of a scope, by default of `LOOKED_AT` events. Without a batch, it needs both times."""
    look = _look_by_time if scope.batch_id is None else _look_in_batch
    return look(scope, LOOKED_AT if limit is None else limit)


def _look_by_time(scope: Scope, limit: int) -> Look:
    parameters = {"account": scope.account_id, "since": scope.since, "until": scope.until, "limit": limit}
    statement = FAILURES_OF_ALL if scope.account_id is None else FAILURES_OF_ACCOUNT
    looked_at, oldest, failures = _read(statement, parameters)
    if looked_at < limit:
        return Look(failures, is_complete=True)
    return Look(failures, is_complete=False, oldest=_to_time(oldest))


def _look_in_batch(scope: Scope, limit: int) -> Look:
    parameters = {"batch": scope.batch_id, "since": scope.since, "until": scope.until}
    looked_at, parcels, failures = _read(
        FAILURES_OF_BATCH, {**parameters, "parcels": PARCELS_LOOKED_AT, "limit": limit}
    )
    return Look(failures, is_complete=looked_at < limit and parcels < PARCELS_LOOKED_AT)


def _read(statement: str, parameters: dict[str, Any]) -> tuple[int, float, list[Failure]]:
    """Return the two numbers of the statement's first row, and the failures of the other rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "reply_length": REPLY_LENGTH})
        (number, _, other, *_), *rows = cursor.fetchall()
    return number, other, [_to_failure(*row) for row in rows]


def _to_failure(
    message_id: int,
    kind: int,
    at: float,
    recipient: str | None,
    reply: str | None,
    recipients: int | None,
    classification: int | None,
    account_id: int,
) -> Failure:
    return Failure(
        message_id,
        KINDS[kind],
        _to_time(at),
        recipient,
        reply or "",
        1 if recipients is None else recipients,
        CLASSIFICATIONS.get(classification, Classification.UNCLASSIFIED),
        account_id,
    )


def _to_time(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


# Looked up many thousand times a page: a call of an enumeration takes five times as long.
KINDS: Final = {int(kind): kind for kind in (EventKind.REFUSED, EventKind.DEFERRED)}
CLASSIFICATIONS: Final[dict[int | None, Classification]] = {int(each): each for each in Classification}


class Words(dict[str, str]):
    """The general form of each word of a reply. A word is looked at when it first occurs, and then remembered."""

    def __missing__(self, word: str) -> str:
        self[word] = general = VARIABLE if IS_VARIABLE.search(word) else word.lower()
        return general


class Beginnings(Words):
    """The general form of the first two words of a reply, which may be codes. These are kept."""

    def __missing__(self, word: str) -> str:
        if not CODE.fullmatch(word):
            return super().__missing__(word)
        self[word] = word
        return word


class Generalizer:
    """Remove from replies the words that differ from message to message: addresses, host names, ids and numbers.

    The codes at the beginning of a reply are kept. The time that a reply takes grows with its length, whatever is in
    it. All words are remembered: use a new one for each page.
    """

    def __init__(self) -> None:
        self.beginnings, self.words = Beginnings(), Words()

    def generalize(self, reply: str) -> str:
        """Return the reason that a reply gives."""
        words = words_of(reply)
        general = " ".join([*(self.beginnings[word] for word in words[:2]), *map(self.words.__getitem__, words[2:])])
        # An id may be in several words, and a sentence may name several hosts.
        while TWICE in general:
            general = general.replace(TWICE, VARIABLE)
        return general


def words_of(reply: str) -> list[str]:
    """Return the words of a peer's reply. Its code is one even if a hyphen follows it, as in replies of several lines.

    A message that was deferred until it was given up has the reply of its last deferral, so both have the same reason.
    """
    text = reply.removeprefix(GIVEN_UP)
    return (text.replace("-", " ", 1) if text[3:4] == "-" else text).split()


def group_by_reason(failures: Iterable[Failure]) -> list[ReasonGroup]:
    """Return failures in groups of the same classification and reason, the largest group first."""
    groups: dict[tuple[Classification, str], ReasonGroup] = {}
    generalize = Generalizer().generalize
    reasons: dict[str, str] = {}
    for failure in failures:
        reason = reasons.get(failure.reply)
        if reason is None:
            reason = reasons[failure.reply] = generalize(failure.reply)
        key = failure.classification, reason
        group = groups.get(key)
        if group is None:
            group = groups[key] = ReasonGroup(classification=failure.classification, reason=reason)
        group.failures.append(failure)
        group.add(failure.kind, failure.recipients)
    return sorted(groups.values(), key=lambda group: -group.total)


def tally_classes(groups: Iterable[ReasonGroup]) -> dict[Classification, ClassTally]:
    """Return the numbers of these failures by classification, without provider groups."""
    tallies: dict[Classification, ClassTally] = {}
    for group in groups:
        tally = tallies.setdefault(group.classification, ClassTally())
        tally.refused += group.refused
        tally.deferred += group.deferred
        tally.codes[group.code] += group.total
    return tallies


def tally_accounts(failures: Iterable[Failure]) -> dict[int, Tally]:
    """Return the numbers of these failures by account."""
    tallies: dict[int, Tally] = {}
    for failure in failures:
        tallies.setdefault(failure.account_id, Tally()).add(failure.kind, failure.recipients)
    return tallies


def count_failures(scope: Scope) -> dict[Classification, ClassTally]:
    """Return the exact numbers of an account's failures by classification, of hours that begin between two times."""
    account_id, _, since, until = scope
    assert account_id is not None
    assert since is not None
    assert until is not None
    measures = [Measure.REFUSED, Measure.DEFERRED]
    tallies: dict[Classification, ClassTally] = {}
    for count in read_counters(Series.FAILURE, account_id, span=HOUR, since=since, until=until, measures=measures):
        number, code, group = count.key.split(" ", 2)
        tally = tallies.setdefault(Classification(int(number)), ClassTally())
        tally.add(count.measure, count.n)
        tally.codes[code] += count.n
        tally.groups[group] += count.n
    return tallies
