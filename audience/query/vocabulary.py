"""What conditions may speak of: the fields of an account's contacts, by their names, and its campaigns.

The functions here make the leaves of a condition, and refuse, with a ValueError that says why, what makes no sense or
cannot be stored: so a tree that was built here always compiles to SQL that PostgreSQL can run.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
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
    "processed": EngagementKind.EMAILED,
    "delivered": EngagementKind.EMAILED,
    "open": EngagementKind.OPENED,
    "click": EngagementKind.CLICKED,
    "bounce": EngagementKind.BOUNCED,
    "unsubscribe": EngagementKind.UNSUBSCRIBED,
    "group_unsubscribe": EngagementKind.UNSUBSCRIBED,
    "spamreport": EngagementKind.REPORTED_SPAM,
    "spam_report": EngagementKind.REPORTED_SPAM,
}
"""By the words of the wire's events."""

TEXT_LENGTH: Final = 1000
NUMBER: Final = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")
LONGEST_MONTHS: Final = 12 * 1000
LONGEST_SECONDS: Final = 1000 * 366 * 86400
"""How far from now a time may be: as far as years have four digits."""
TEXT_ONLY: Final = "only a text can be asked that"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The custom fields of an account by their names in lower case, and how to find its campaigns: by the id as the
    caller writes it."""

    custom: Mapping[str, Custom]
    find_campaign: Callable[[str], int | None]

    def find(self, name: str) -> Subject | None:
        """What a name, in any case, stands for; None: there is no such field."""
        name = name.lower()
        return COLUMNS.get(name) or self.custom.get(name)


def read_campaign_number(text: str) -> int | None:
    """The id of a campaign as the legacy wire writes it."""
    return int(text) if re.fullmatch("[0-9]{1,10}", text) else None


def vocabulary_of(account: Account, *, find_campaign: Callable[[str], int | None] = read_campaign_number) -> Vocabulary:
    """What can be said of this account's contacts."""
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
    """The leaf that compares. Raises ValueError."""
    kind = _kind(subject, function)
    if operator is Operator.LIKE and kind is Kind.ENGAGEMENT and isinstance(value, str):
        return _like_event_type(subject, value)
    if operator is Operator.LIKE and kind is not Kind.TEXT:
        raise ValueError(TEXT_ONLY)
    if kind is Kind.ENGAGEMENT and operator not in {Operator.EQ, Operator.NE}:
        raise ValueError("the type of an event is one thing or another")
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
    """The leaf that compares with several. Raises ValueError."""
    kind = _kind(subject, function)
    return Among(subject, tuple(_fit(vocabulary, value, subject, kind) for value in values), function)


def missing(subject: Subject) -> Condition:
    """The leaf that asks whether a contact has something. Raises ValueError."""
    if subject == COLUMNS["list_ids"]:
        raise ValueError("ask for a list by its id")
    return Missing(subject)


def has(subject: Subject, value: Value) -> Condition:
    """The leaf that asks for one of several texts, such as the lists a contact is on. Raises ValueError."""
    if not isinstance(subject, Column) or subject.kind is not Kind.TEXTS:
        raise ValueError("only alternate_emails, email_domains and list_ids contain values")
    if not isinstance(value, str):
        raise ValueError("this contains texts")
    text = check_text(value)
    if subject == COLUMNS["list_ids"]:
        return InList(text)
    # E-mail addresses and their domains are kept in their canonical form.
    return Has(subject, domain_key(text) if subject == COLUMNS["email_domains"] else address_key(text))


def from_now(*, months: int = 0, seconds: int = 0) -> FromNow:
    """A time relative to now. Raises ValueError if it is too far away."""
    if abs(months) > LONGEST_MONTHS or abs(seconds) > LONGEST_SECONDS:
        raise ValueError("the time is more than 1000 years away")
    return FromNow(months, seconds)


def escape_pattern(text: str) -> str:
    """A pattern of LIKE that only this text meets."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def meets_pattern(text: str, pattern: str) -> bool:
    """Return whether a text is like a pattern, as PostgreSQL reads it. The time is that of one look at each character
    of the pattern for each of the text."""
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
    """The text, if PostgreSQL can hold it. Raises ValueError."""
    if len(text) > TEXT_LENGTH:
        raise ValueError(f"the text is longer than {TEXT_LENGTH} characters")
    if UNSTORABLE.search(text):
        raise ValueError("the text has characters that cannot be stored")
    return text


def read_number(text: str) -> Decimal:
    """A number as it is written in JSON, without an exponent. Raises ValueError."""
    if not NUMBER.fullmatch(text.strip()):
        raise ValueError("not a number")
    try:
        return Decimal(text.strip())
    except InvalidOperation:
        raise ValueError("not a number") from None


def _kind(subject: Subject, function: Function | None) -> Kind:
    """What the subject, or what the function gives of it, holds."""
    if subject.kind is Kind.TEXTS:
        raise ValueError("this holds several values: use contains()")
    if function is not None and subject.kind is not Kind.TEXT:
        raise ValueError(TEXT_ONLY)
    return Kind.NUMBER if function is Function.LENGTH else subject.kind


def _fit(vocabulary: Vocabulary, value: Value, subject: Subject, kind: Kind) -> Value:
    """The value in the type of what it is compared with."""
    if isinstance(subject, OfEvent) and subject.part is EventPart.CAMPAIGN:
        # No campaign has number 0.
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
        case Kind.ENGAGEMENT, str():
            return _event_type(value)
        case _:
            raise ValueError(f"this is a {kind}, and cannot be compared with that")


def _campaign_text(value: Value) -> str:
    if isinstance(value, str | Decimal):
        return str(value)
    raise ValueError("this is the id of a campaign")


def _like_event_type(subject: Subject, pattern: str) -> Condition:
    """Return the condition that one of the words for the type of the event is like a pattern."""
    assert isinstance(subject, OfEvent)
    pattern = check_text(pattern).lower()
    kinds = {kind for word, kind in EVENT_TYPES.items() if meets_pattern(word, pattern)}
    return Among(subject, tuple(map(Decimal, sorted(kinds)))) if kinds else no_event(subject.event)


def _event_type(word: str) -> Decimal:
    known = EVENT_TYPES.get(word.lower())
    if known is None:
        raise ValueError(f"the types of events are {', '.join(EVENT_TYPES)}")
    return Decimal(known)
