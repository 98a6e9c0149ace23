"""Define what conditions may refer to: the fields of an account's contacts by name, and its campaigns.

The functions here make the leaves of a condition. They refuse values that do not fit or cannot be stored with a
ValueError that says why. So a tree that was built here always compiles to SQL that PostgreSQL can run.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import chain
from typing import Final

from accounts.models import Account
from audience.dates import read_date
from audience.models import IDENTIFIERS, TEXT_FIELDS, EngagementKind, FieldDefinition
from audience.query.conditions import (
    Among,
    Column,
    Compare,
    Condition,
    Custom,
    EventPart,
    FromNow,
    Function,
    Has,
    InList,
    Kind,
    Missing,
    Not,
    OfEvent,
    Operator,
    Subject,
    Value,
)
from foundation.addresses import address_key, domain_key

TEXT_COLUMNS: Final = (*IDENTIFIERS, *TEXT_FIELDS, "contact_id")
DATE_COLUMNS: Final = ("created_at", "updated_at", "last_emailed", "last_opened", "last_clicked")
TEXTS_COLUMNS: Final = ("alternate_emails", "email_domains", "list_ids")
COLUMNS: Final = {
    name: Column(name, kind)
    for kind, names in ((Kind.TEXT, TEXT_COLUMNS), (Kind.DATE, DATE_COLUMNS), (Kind.TEXTS, TEXTS_COLUMNS))
    for name in names
}
EVENT_TYPES: Final = {
    "processed": (EngagementKind.DELIVERED, EngagementKind.BOUNCED, EngagementKind.BLOCKED),
    "delivered": (EngagementKind.DELIVERED,),
    "open": (EngagementKind.OPENED,),
    "click": (EngagementKind.CLICKED,),
    "bounce": (EngagementKind.BOUNCED,),
    "block": (EngagementKind.BLOCKED,),
    "blocked": (EngagementKind.BLOCKED,),
    "drop": (EngagementKind.DROPPED,),
    "dropped": (EngagementKind.DROPPED,),
    "unsubscribe": (EngagementKind.UNSUBSCRIBED,),
    "group_unsubscribe": (EngagementKind.UNSUBSCRIBED,),
    "spamreport": (EngagementKind.REPORTED_SPAM,),
    "spam_report": (EngagementKind.REPORTED_SPAM,),
}
"""The kinds of engagements that an event type of the API stands for.

Only the result of a message is stored. Each result implies that the message was processed, so `processed` means any of
the three.
"""

TEXT_LENGTH: Final = 1000
NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
LONGEST_MONTHS: Final = 12 * 1000
LONGEST_SECONDS: Final = 1000 * 366 * 86400
"""The largest distance of a time from now. Within it years have four digits."""
TEXT_ONLY: Final = "a function or like needs a field that holds a text"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names that conditions of an account may use.

    `custom` maps names in lower case to custom fields. `find_campaign` returns the id of a campaign from the caller's
    text.
    """

    custom: Mapping[str, Custom]
    find_campaign: Callable[[str], int | None]

    def find(self, name: str) -> Subject | None:
        """Return the field of a name, in upper or lower case, or None if it does not exist."""
        name = name.lower()
        return COLUMNS.get(name) or self.custom.get(name)


def read_campaign_number(text: str) -> int | None:
    """Return the id of a campaign in the form that the legacy API uses, or None if the text is not an id."""
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else None


def vocabulary_of(account: Account, *, find_campaign: Callable[[str], int | None] = read_campaign_number) -> Vocabulary:
    """Return the vocabulary of an account."""
    fields = FieldDefinition.objects.filter(account=account)
    return Vocabulary({field.name.lower(): Custom(field.pk, Kind(field.type)) for field in fields}, find_campaign)


def compare(
    vocabulary: Vocabulary,
    subject: Subject,
    operator: Operator,
    value: Value,
    *,
    function: Function | None = None,
) -> Condition:
    """Return a leaf that compares a subject with a value. Raises ValueError."""
    kind = _kind(subject, function)
    if operator is Operator.LIKE and kind is Kind.ENGAGEMENT and isinstance(value, str):
        return _like_event_type(subject, value)
    if operator is Operator.LIKE and kind is not Kind.TEXT:
        raise ValueError(TEXT_ONLY)
    if kind is Kind.ENGAGEMENT:
        if operator not in {Operator.EQ, Operator.NE}:
            raise ValueError("the type of an event can only be equal or unequal to a value")
        is_one = _among_kinds(subject, _kinds_of(value))
        return is_one if operator is Operator.EQ else Not(is_one)
    return Compare(subject, operator, _fit(vocabulary, value, subject, kind), function)


def any_event(event: int) -> Condition:
    """Return a condition that is true of every event, and unknown without one."""
    return Among(OfEvent(event, EventPart.KIND), tuple(map(Decimal, EngagementKind)))


def no_event(event: int) -> Condition:
    """Return a condition that is true of no event, and unknown without one."""
    return Not(any_event(event))


def among(
    vocabulary: Vocabulary, subject: Subject, values: Iterable[Value], *, function: Function | None = None
) -> Condition:
    """Return a leaf that compares a subject with several values. Raises ValueError."""
    kind = _kind(subject, function)
    if kind is Kind.ENGAGEMENT:
        return _among_kinds(subject, chain.from_iterable(map(_kinds_of, values)))
    return Among(subject, tuple(_fit(vocabulary, value, subject, kind) for value in values), function)


def missing(subject: Subject) -> Condition:
    """Return a leaf that is true of contacts without a value. Raises ValueError."""
    if subject == COLUMNS["list_ids"]:
        raise ValueError("compare list_ids with the id of a list")
    return Missing(subject)


def has(subject: Subject, value: Value) -> Condition:
    """Return a leaf that looks for one of several texts, such as a list that the contact is on. Raises ValueError."""
    if not isinstance(subject, Column) or subject.kind is not Kind.TEXTS:
        raise ValueError("only alternate_emails, email_domains and list_ids contain values")
    if not isinstance(value, str):
        raise ValueError("this field contains texts")
    text = check_text(value)
    if subject == COLUMNS["list_ids"]:
        return InList(text)
    # E-mail addresses and their domains are stored in canonical form.
    return Has(subject, domain_key(text) if subject == COLUMNS["email_domains"] else address_key(text))


def from_now(*, months: int = 0, seconds: int = 0) -> FromNow:
    """Return a time relative to now. Raises ValueError if it is too far away."""
    if abs(months) > LONGEST_MONTHS or abs(seconds) > LONGEST_SECONDS:
        raise ValueError("the time is more than 1000 years away")
    return FromNow(months, seconds)


def escape_pattern(text: str) -> str:
    """Return a pattern of LIKE that only this text matches."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def meets_pattern(text: str, pattern: str) -> bool:
    """Return whether a text matches a pattern of LIKE, as PostgreSQL decides it.

    The time is proportional to the length of the pattern times the length of the text.
    """
    places = {0}
    for token in re.findall(r"\\.|.", pattern, re.DOTALL):
        if token == "%":
            places = set(range(min(places), len(text) + 1))
        else:
            places = {at + 1 for at in places if at < len(text) and (token == "_" or text[at] == token[-1])}
        if not places:
            return False
    return len(text) in places


def check_text(text: str) -> str:
    """Return the text if PostgreSQL can store it. Raises ValueError."""
    if len(text) > TEXT_LENGTH:
        raise ValueError(f"the text is longer than {TEXT_LENGTH} characters")
    if UNSTORABLE.search(text):
        raise ValueError("the text has characters that cannot be stored")
    return text


def read_number(text: str) -> Decimal:
    """Return a number that is written as in JSON, without an exponent. Raises ValueError."""
    if not NUMBER.fullmatch(text.strip()):
        raise ValueError("not a number")
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("not a number") from None


def _kind(subject: Subject, function: Function | None) -> Kind:
    """Return the kind of the subject's values, or of the function's results."""
    if subject.kind is Kind.TEXTS:
        raise ValueError("this field holds several values: use contains()")
    if function is not None and subject.kind is not Kind.TEXT:
        raise ValueError(TEXT_ONLY)
    return Kind.NUMBER if function is Function.LENGTH else subject.kind


def _fit(vocabulary: Vocabulary, value: Value, subject: Subject, kind: Kind) -> Value:
    """Return the value in the type of the subject that it is compared with."""
    if isinstance(subject, OfEvent) and subject.part is EventPart.CAMPAIGN:
        # No campaign has the id 0.
        return Decimal(vocabulary.find_campaign(_campaign_text(value)) or 0)
    match kind, value:
        case Kind.TEXT, str():
            return check_text(value)
        case Kind.TEXT, Decimal():
            return str(value)
        case Kind.NUMBER, Decimal():
            return value
        case Kind.NUMBER, str():
            return read_number(value)
        case Kind.DATE, dt.datetime() | FromNow():
            return value
        case Kind.DATE, str():
            return read_date(value)
        case _:
            raise ValueError(f"a {kind} cannot be compared with this value")


def _campaign_text(value: Value) -> str:
    if isinstance(value, str | Decimal):
        return str(value)
    raise ValueError("the value is not the id of a campaign")


def _like_event_type(subject: Subject, pattern: str) -> Condition:
    """Return the condition that one of the words for the type of the event is like a pattern."""
    assert isinstance(subject, OfEvent)
    pattern = check_text(pattern).lower()
    kinds = {kind for word, kinds in EVENT_TYPES.items() if meets_pattern(word, pattern) for kind in kinds}
    return _among_kinds(subject, kinds) if kinds else no_event(subject.event)


def _among_kinds(subject: Subject, kinds: Iterable[EngagementKind]) -> Condition:
    """Return the condition that an engagement is of one of some kinds."""
    return Among(subject, tuple(map(Decimal, sorted(set(kinds)))))


def _kinds_of(value: Value) -> tuple[EngagementKind, ...]:
    """Return the kinds of engagements that an event type stands for. Raises ValueError."""
    kinds = EVENT_TYPES.get(value.lower()) if isinstance(value, str) else None
    if kinds is None:
        raise ValueError(f"the types of events are {', '.join(EVENT_TYPES)}")
    return kinds
