"""Compile a condition to SQL: an expression over the contact `c`, and its parameters.

The values that a caller wrote are in the parameters only. Columns, operators and functions are looked up in the tables
below. Nothing in the expression can fail in PostgreSQL, such as a cast or an overflow: values of custom fields are
compared as JSON and as texts of one form, and are never cast.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, LiteralString, assert_never

from psycopg import sql

from audience.dates import write_date
from audience.models import IDENTIFIERS, TEXT_FIELDS
from audience.query.conditions import (
    Among,
    And,
    Column,
    Compare,
    Condition,
    Custom,
    Engaged,
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
    Or,
    Subject,
    Value,
)
from foundation.addresses import spell_labels

PREFIX: Final = "condition_"
"""The prefix of the parameters' names, so that a statement around them can have other parameters."""

CONTACTS: Final = "campaigns_contact c left join campaigns_lasttimes last_times on last_times.contact_id = c.id"
"""The FROM clause that an expression needs. PostgreSQL drops the join where the expression does not use it."""

COLUMNS: Final[dict[str, LiteralString]] = {
    **{name: f"c.{name}" for name in IDENTIFIERS},
    **{name: f"nullif(c.{name}, '')" for name in TEXT_FIELDS},
    "contact_id": "c.uuid::text",
    "created_at": "c.created_at",
    "updated_at": "c.updated_at",
    "last_emailed": "last_times.last_emailed_at",
    "last_opened": "last_times.last_opened_at",
    "last_clicked": "last_times.last_clicked_at",
    "alternate_emails": "nullif(c.alternate_emails, '{}')",
    "email_domains": "nullif(array(select split_part(a, '@', 2)"
    " from unnest(array_prepend(c.email::text, c.alternate_emails)) a where a is not null), '{}')",
}
EVENT: Final[LiteralString] = (
    "exists (select from campaigns_engagement {event} where {event}.contact_id = c.id and {inner})"
)
# A slower form, which cannot become a join of the statement around it.
OPTIONAL_EVENT: Final[LiteralString] = (
    "exists (select from (values (c.id)) contact(id) left join campaigns_engagement {event}"
    " on {event}.contact_id = contact.id where {inner})"
)
EVENT_COLUMNS: Final[dict[EventPart, LiteralString]] = {
    EventPart.KIND: "kind",
    EventPart.AT: "at",
    EventPart.CAMPAIGN: "campaign_id",
}
OPERATORS: Final[dict[Operator, LiteralString]] = {
    Operator.EQ: "=",
    Operator.NE: "<>",
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LIKE: "like",
}
EMAIL: Final = Column("email", Kind.TEXT)
FUNCTIONS: Final[dict[Function, LiteralString]] = {Function.LOWER: "lower", Function.LENGTH: "char_length"}


def compile_condition(condition: Condition, *, account_id: int) -> tuple[str, dict[str, Any]]:
    """Return an SQL expression over the rows of `CONTACTS`, and its parameters, whose names begin with `PREFIX`.

    The expression is true, false or null, and reads only the contact and what belongs to it. The statement around it
    must restrict `c` to the account.
    """
    compiler = _Compiler(account_id)
    return compiler.compile(condition).as_string(None), compiler.parameters


@dataclass
class _Compiler:
    account_id: int
    parameters: dict[str, Any] = field(default_factory=dict)

    def compile(self, condition: Condition) -> sql.Composable:
        match condition:
            case And(parts):
                return self._join(parts, " and ", "true")
            case Or(parts):
                return self._join(parts, " or ", "false")
            case Not(part):
                return sql.SQL("(not {})").format(self.compile(part))
            case Compare():
                return self._compare(condition)
            case Among(subject, values, function):
                return self._among(subject, values, function)
            case Missing(subject):
                return sql.SQL("({} is null)").format(_subject_sql(subject))
            case Has(subject, value):
                return sql.SQL("({} = any({}))").format(self._text(value), _subject_sql(subject))
            case InList(named):
                return self._in_list(named)
            case Engaged(event, inner, is_optional):
                shape = OPTIONAL_EVENT if is_optional else EVENT
                return sql.SQL(shape).format(event=_event(event), inner=self.compile(inner))
            case _:
                assert_never(condition)

    def _join(self, parts: tuple[Condition, ...], word: LiteralString, of_none: LiteralString) -> sql.Composable:
        if not parts:
            return sql.SQL(of_none)
        return sql.SQL("({})").format(sql.SQL(word).join(map(self.compile, parts)))

    def _compare(self, compare: Compare) -> sql.Composable:
        subject, operator = compare.subject, compare.operator
        left = _subject_sql(subject, compare.function)
        right = self._value(compare.value, subject, compare.function)
        # Compare texts by their characters, whatever the collation of the database. Equality is the same in all
        # collations, and an index only helps in the collation that it was made with.
        is_text = isinstance(compare.value, str) or _is_custom_date(subject)
        by_character = is_text and operator not in {Operator.EQ, Operator.NE, Operator.LIKE}
        shape: LiteralString = '({} {} {} collate "C")' if by_character else "({} {} {})"
        return sql.SQL(shape).format(left, sql.SQL(OPERATORS[operator]), right)

    def _among(self, subject: Subject, values: tuple[Value, ...], function: Function | None) -> sql.Composable:
        if not values:
            return sql.SQL("false")
        listed = sql.SQL(", ").join(self._value(value, subject, function) for value in values)
        return sql.SQL("({} in ({}))").format(_subject_sql(subject, function), listed)

    def _value(self, value: Value, subject: Subject, function: Function | None) -> sql.Composable:
        """Return the value in the type in which the subject is compared."""
        match value:
            case str():
                # Addresses are stored in lower case, with their domains as A-labels.
                return self._text(spell_labels(value).lower() if subject == EMAIL else value)
            case Decimal():
                number = sql.SQL("{}::numeric").format(self._parameter(value))
                is_json = isinstance(subject, Custom) and function is None
                return sql.SQL("to_jsonb({})").format(number) if is_json else number
            case dt.datetime() if _is_custom_date(subject):
                return self._text(write_date(value))
            case dt.datetime():
                return sql.SQL("{}::timestamptz").format(self._parameter(value))
            case FromNow(months, seconds):
                # A sub-select is evaluated once for the whole statement.
                shape: LiteralString = "sluice_now() + make_interval(months => {}::int, secs => {}::float8)"
                if _is_custom_date(subject):
                    shape = "to_char((" + shape + """) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
                moment = sql.SQL(shape).format(self._parameter(months), self._parameter(seconds))
                return sql.SQL("(select {})").format(moment)
            case _:
                assert_never(value)

    def _in_list(self, list_key: str | int) -> sql.Composable:
        list_id = _read_list_id(list_key)
        if list_id is None:
            return sql.SQL("false")
        column: LiteralString = "id = {}::int" if isinstance(list_id, int) else "uuid = {}::uuid"
        return sql.SQL(
            "exists (select from campaigns_membership m where m.contact_id = c.id and m.list_id = (select l.id"
            " from campaigns_contactlist l where l.account_id = {account} and l.deleted_at is null and l.{is_named}))"
        ).format(account=self._parameter(self.account_id), is_named=sql.SQL(column).format(self._parameter(list_id)))

    def _text(self, text: str) -> sql.Composable:
        return sql.SQL("{}::text").format(self._parameter(text))

    def _parameter(self, value: Any) -> sql.Placeholder:
        name = f"{PREFIX}{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)


def _subject_sql(subject: Subject, function: Function | None = None) -> sql.Composable:
    match subject:
        case Column(name):
            expression: sql.Composable = sql.SQL(COLUMNS[name])
        case Custom(field_id, kind):
            # A number stays JSON: it is compared with other JSON by value, and no cast can fail.
            arrow: LiteralString = "(c.custom->{})" if kind is Kind.NUMBER else "(c.custom->>{})"
            expression = sql.SQL(arrow).format(sql.Literal(str(int(field_id))))
        case OfEvent(event, part):
            expression = sql.SQL("{}.{}").format(_event(event), sql.SQL(EVENT_COLUMNS[part]))
        case _:
            assert_never(subject)
    return expression if function is None else sql.SQL("{}({})").format(sql.SQL(FUNCTIONS[function]), expression)


def _event(number: int) -> sql.Composable:
    return sql.Identifier(f"e{int(number)}")


def _is_custom_date(subject: Subject) -> bool:
    return isinstance(subject, Custom) and subject.kind is Kind.DATE


def _read_list_id(list_key: str | int) -> int | uuid.UUID | None:
    """Return the id of a list as an integer or a UUID, or None if no list can have such an id."""
    if isinstance(list_key, int):
        return list_key if 0 < list_key < 2**31 else None
    try:
        return uuid.UUID(list_key)
    except ValueError:
        return None
