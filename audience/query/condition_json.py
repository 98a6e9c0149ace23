"""Convert conditions to JSON, as segments store them, and back."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, assert_never

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


def to_json(condition: Condition) -> dict[str, Any]:
    """Return a condition as JSON that `from_json` reads."""
    match condition:
        case Compare(subject, operator, value, function):
            compared = {
                "compare": _subject_to_json(subject),
                "operator": operator.value,
                "value": _value_to_json(value),
            }
            return compared | _function_to_json(function)
        case Among(subject, values, function):
            listed = [_value_to_json(value) for value in values]
            return {"among": _subject_to_json(subject), "values": listed} | _function_to_json(function)
        case Missing(subject):
            return {"missing": _subject_to_json(subject)}
        case Has(subject, value):
            return {"has": _subject_to_json(subject), "value": value}
        case InList(named):
            return {"in_list": named}
        case Engaged(event, inner, is_optional):
            return {"engaged": event, "condition": to_json(inner)} | ({"optional": True} if is_optional else {})
        case And(parts):
            return {"and": [to_json(part) for part in parts]}
        case Or(parts):
            return {"or": [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}
        case _:
            assert_never(condition)


def from_json(data: dict[str, Any]) -> Condition:
    """Return the condition that `to_json` has written. Raises ValueError for anything else."""
    match data:
        case {"compare": subject, "operator": operator, "value": value}:
            compared = _subject_from_json(subject)
            return Compare(compared, Operator(operator), _value_from_json(value), _function_from_json(data))
        case {"among": subject, "values": list(values)}:
            among = tuple(_value_from_json(value) for value in values)
            return Among(_subject_from_json(subject), among, _function_from_json(data))
        case {"missing": subject}:
            return Missing(_subject_from_json(subject))
        case {"has": {"column": str(name), "kind": kind}, "value": str(value)}:
            return Has(Column(name, Kind(kind)), value)
        case {"in_list": str() | int() as named}:
            return InList(named)
        case {"engaged": int(event), "condition": dict(inner)}:
            return Engaged(event, from_json(inner), is_optional="optional" in data)
        case {"and": list(parts)}:
            return And(tuple(map(from_json, parts)))
        case {"or": list(parts)}:
            return Or(tuple(map(from_json, parts)))
        case {"not": dict(part)}:
            return Not(from_json(part))
        case _:
            raise ValueError("not a condition")


def _subject_to_json(subject: Subject) -> dict[str, Any]:
    match subject:
        case Column(name, kind):
            return {"column": name, "kind": kind.value}
        case Custom(field, kind):
            return {"custom": field, "kind": kind.value}
        case OfEvent(event, part):
            return {"event": event, "part": part.value}
        case _:
            assert_never(subject)


def _subject_from_json(data: dict[str, Any]) -> Subject:
    match data:
        case {"column": str(name), "kind": kind}:
            return Column(name, Kind(kind))
        case {"custom": int(field), "kind": kind}:
            return Custom(field, Kind(kind))
        case {"event": int(event), "part": part}:
            return OfEvent(event, EventPart(part))
        case _:
            raise ValueError("not a subject")


def _value_to_json(value: Value) -> dict[str, Any]:
    match value:
        case str():
            return {"text": value}
        case Decimal():
            return {"number": str(value)}
        case dt.datetime():
            return {"time": value.isoformat()}
        case FromNow(months, seconds):
            return {"months": months, "seconds": seconds}
        case _:
            assert_never(value)


def _value_from_json(data: dict[str, Any]) -> Value:
    match data:
        case {"text": str(text)}:
            return text
        case {"number": str(number)}:
            return Decimal(number)
        case {"time": str(time)}:
            return dt.datetime.fromisoformat(time)
        case {"months": int(months), "seconds": int(seconds)}:
            return FromNow(months, seconds)
        case _:
            raise ValueError("not a value")


def _function_to_json(function: Function | None) -> dict[str, Any]:
    return {} if function is None else {"function": function.value}


def _function_from_json(data: dict[str, Any]) -> Function | None:
    return Function(data["function"]) if "function" in data else None
