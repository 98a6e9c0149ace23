"""Turn the filter of a Retrieve into the condition of a query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from django.db.models import Q

from api.campaign_words import Dialect, statuses_called
from api.soap.properties import BY_NAME, Kind, Property, Value
from api.soap.reading import Element, child, elements, text, text_of, type_of
from audience.dates import read_iso
from campaigns.states import CampaignStatus

MOST_LEVELS: Final = 20
MOST_CONDITIONS: Final = 100
MOST_VALUES: Final = 2500
INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
SHOWN: Final = re.compile(r"[^\w.]")


class RetrieveError(Exception):
    """Raised when a Retrieve cannot be carried out. The text gives the reason."""


def shown(name: str | None) -> str:
    """Return a name of the request in a form that is safe in an answer: short, with characters of names only."""
    return SHOWN.sub("", name or "")[:60]


def read_filter(part: Element) -> Q:
    """Return the condition of a filter. Raises RetrieveError."""
    return _Reader().read(part, level=1)


class _Reader:
    """A reader of one filter, which counts its parts."""

    def __init__(self) -> None:
        self.conditions = 0

    def read(self, part: Element, *, level: int) -> Q:
        self.conditions += 1
        if level > MOST_LEVELS or self.conditions > MOST_CONDITIONS:
            raise RetrieveError(f"A Filter has {MOST_LEVELS} levels and {MOST_CONDITIONS} parts at most.")
        kind = type_of(part)
        if kind == "SimpleFilterPart":
            return read_condition(part)
        if kind == "ComplexFilterPart":
            return self._read_several(part, level=level)
        raise RetrieveError("A Filter is a SimpleFilterPart or a ComplexFilterPart.")

    def _read_several(self, part: Element, *, level: int) -> Q:
        operator = (text(part, "LogicalOperator") or "").upper()
        more = child(part, "AdditionalOperands")
        operands = [each for name in ("LeftOperand", "RightOperand") if (each := child(part, name)) is not None]
        operands += list(elements(more)) if more is not None else []
        if operator not in {"AND", "OR"} or not operands:
            raise RetrieveError("A ComplexFilterPart needs operands and AND or OR between them.")
        condition, *conditions = (self.read(each, level=level + 1) for each in operands)
        for next_condition in conditions:
            condition = condition & next_condition if operator == "AND" else condition | next_condition
        return condition


def read_condition(part: Element) -> Q:
    """Return the condition of a SimpleFilterPart. Raises RetrieveError."""
    property_name, operator = text(part, "Property"), text(part, "SimpleOperator")
    field = BY_NAME.get(property_name or "")
    if field is None or not field.column:
        raise RetrieveError(f"The Filter Property {shown(property_name)} cannot be used to filter Send objects.")
    values = [value for each in elements(part) if _is_value(each) and (value := text_of(each)) is not None]
    make = (STATUS_OPERATORS if field.column == "status" else OPERATORS).get(operator or "")
    if make is None:
        raise RetrieveError(f"The operator {shown(operator)} cannot be used with {field.name}.")
    lowest, highest = VALUES.get(operator or "", (1, 1))
    if not lowest <= len(values) <= highest:
        raise RetrieveError(f"The operator {shown(operator)} does not take {len(values)} values.")
    return make(field, values)


def _is_value(element: Element) -> bool:
    return element.tag.rpartition("}")[2] in {"Value", "DateValue"}


def read_value(field: Property, text: str) -> Value:
    """Return a value in the type of its property. Raises RetrieveError."""
    if field.kind is Kind.INT and INTEGER.fullmatch(text):
        return int(text)
    if field.kind is Kind.TIME:
        try:
            return read_iso(text)
        except ValueError:
            pass
    elif field.kind is Kind.TEXT:
        return text
    raise RetrieveError(f"{field.name} cannot be compared with this value.")


def equals(field: Property, values: list[str]) -> Q:
    lookup = "__iexact" if field.kind is Kind.TEXT else ""
    return Q(**{f"{field.column}{lookup}": read_value(field, values[0])})


def comparing(lookup: str) -> Callable[[Property, list[str]], Q]:
    return lambda field, values: Q(**{f"{field.column}__{lookup}": read_value(field, values[0])})


def between(field: Property, values: list[str]) -> Q:
    """Return a condition that includes both bounds."""
    lowest, highest = (read_value(field, value) for value in values)
    return Q(**{f"{field.column}__gte": lowest, f"{field.column}__lte": highest})


def among(field: Property, values: list[str]) -> Q:
    return Q(**{f"{field.column}__in": [read_value(field, value) for value in values]})


def is_null(field: Property, _: list[str]) -> Q:
    return Q(**{f"{field.column}__isnull": True})


def is_called(_: Property, values: list[str]) -> Q:
    """Return the condition on the status. The API has fewer words than the core has statuses."""
    statuses: set[CampaignStatus] = set()
    return Q(status_now__in=statuses.union(*(statuses_called(word, Dialect.SOAP) for word in values)))


OPERATORS: Final[Mapping[str, Callable[[Property, list[str]], Q]]] = {
    "equals": equals,
    "notEquals": lambda field, values: ~equals(field, values),
    "greaterThan": comparing("gt"),
    "greaterThanOrEqual": comparing("gte"),
    "lessThan": comparing("lt"),
    "lessThanOrEqual": comparing("lte"),
    "between": between,
    "IN": among,
    "isNull": is_null,
    "isNotNull": lambda field, values: ~is_null(field, values),
}
STATUS_OPERATORS: Final[Mapping[str, Callable[[Property, list[str]], Q]]] = {
    "equals": is_called,
    "notEquals": lambda field, values: ~is_called(field, values),
    "IN": is_called,
}
VALUES: Final = {"between": (2, 2), "IN": (1, MOST_VALUES), "isNull": (0, 1), "isNotNull": (0, 1)}
"""The smallest and the largest number of values that an operator takes, if that is not exactly one."""
