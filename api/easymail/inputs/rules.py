"""Readers of single values, and of all fields of a body or a query, with the texts that the wire has for what is wrong.

As in the original, texts come without the spaces around them, an empty one is none, and fields that nobody knows are
passed over.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from rest_framework.request import Request

from api.easymail import proposed
from api.easymail.errors import invalid
from api.http import NotJson, parse_json, read_body
from audience.drafts import is_email
from audience.query.vocabulary import UNSTORABLE
from foundation.texts import is_line

REQUIRED: Final = object()
"""Instead of what an absent value is stored as: there must be one."""
UUID_TEXT: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
LATEST: Final = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
"""Times up to here can still be moved into any time zone."""
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

Read = Callable[[Any], Any]


class Wrong(Exception):
    """What a value is not; `{name}` in its text stands for the field."""


class Field(NamedTuple):
    """A field of the wire, how it is read, and what the core stores of one that is empty. `keeps_spaces`: as it is."""

    name: str
    read: Read
    empty: Any = None
    keeps_spaces: bool = False


def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object a request carries, empty when it has no body. Raises BadBody."""
    body = read_body(request._request)
    if not body:
        return {}
    value = parse_json(body)
    if not isinstance(value, dict):
        raise NotJson
    return value


def read_fields(given: Mapping[str, Any], fields: Iterable[Field], *, is_new: bool = True) -> dict[str, Any]:
    """What of the fields was given. Raises the Refusal that names all that are wrong; of something new those, too, that
    have to be there."""
    found, problems = find_problems(given, fields, is_new=is_new)
    if problems:
        raise invalid(problems)
    return found


def find_problems(
    given: Mapping[str, Any], fields: Iterable[Field], *, is_new: bool = True
) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """What of the fields was given, and what is wrong with it, by field."""
    found: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for field in fields:
        value = given.get(field.name)
        if isinstance(value, str) and not field.keeps_spaces:
            value = value.strip()
        is_empty = value is None or value == ""
        if field.name not in given and not (is_new and field.empty is REQUIRED):
            continue
        try:
            if is_empty and field.empty is REQUIRED:
                raise Wrong("The {name} field is required.")
            found[field.name] = field.empty if is_empty else field.read(value)
        except Wrong as wrong:
            problems[field.name] = [str(wrong).format(name=field.name.replace("_", " "))]
    return found, problems


def text(longest: int) -> Read:
    """Any text that can be stored, so many characters at most."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise Wrong("The {name} field must be a string.")
        if len(value) > longest:
            raise Wrong(f"The {{name}} field must not be greater than {longest} characters.")
        if UNSTORABLE.search(value):
            raise Wrong(proposed.STORABLE_TEXT)
        return value

    return read


def line(longest: int) -> Read:
    """A text that can stand in a header."""
    read_text = text(longest)

    def read(value: Any) -> str:
        said: str = read_text(value)
        if "\t" in said or not is_line(said):
            raise Wrong(proposed.LINE_TEXT)
        return said

    return read


def read_email(value: Any) -> str:
    if not isinstance(value, str) or not is_email(value):
        raise Wrong("The {name} field must be a valid email address.")
    return value


def read_uuid(value: Any) -> UUID:
    uuid = find_uuid(value) if isinstance(value, str) else None
    if uuid is None:
        raise Wrong("The {name} field must be a valid UUID.")
    return uuid


def find_uuid(value: str) -> UUID | None:
    """The UUID of that text in its one usual form; None if it is none."""
    return UUID(value) if UUID_TEXT.fullmatch(value) else None


def read_flag(value: Any) -> bool:
    """As JSON has it; 1 and 0, too."""
    if value not in (True, False) or isinstance(value, float):
        raise Wrong("The {name} field must be true or false.")
    return bool(value)


def read_flag_text(value: Any) -> bool:
    """As a query has it."""
    if not isinstance(value, str) or value.lower() not in FLAGS:
        raise Wrong("The {name} field must be true or false.")
    return FLAGS[value.lower()]


def read_language(value: Any) -> str:
    """Two letters of ISO 639-1."""
    return _letters(value).lower()


def read_country(value: Any) -> str:
    """Two letters of ISO 3166-1."""
    return _letters(value).upper()


def _letters(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("The {name} field must be a string.")
    if not re.fullmatch("[A-Za-z]{2}", value):
        raise Wrong("The {name} field must be 2 letters.")
    return value


def read_moment(value: Any) -> dt.datetime:
    """ISO 8601 that says its offset; a time of the wall clock means nothing here."""
    if not isinstance(value, str) or not MOMENT.fullmatch(value):
        raise Wrong("The {name} field must be a valid ISO 8601 date with an offset or Z.")
    try:
        moment = dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        raise Wrong("The {name} field must be a valid date.") from None
    if moment > LATEST:
        raise Wrong("The {name} field must be a valid date.")
    return moment


def one_of(*words: str) -> Read:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Wrong("The selected {name} is invalid.")
        return value

    return read


def integer(lowest: int, highest: int | None = None) -> Read:
    """A number of a query."""

    def read(value: Any) -> int:
        if not isinstance(value, str) or not INTEGER.fullmatch(value):
            raise Wrong("The {name} field must be an integer.")
        if int(value) < lowest:
            raise Wrong(f"The {{name}} field must be at least {lowest}.")
        if highest is not None and int(value) > highest:
            raise Wrong(f"The {{name}} field must not be greater than {highest}.")
        return int(value)

    return read


def path_uuid(written: str, unknown: type[Exception]) -> UUID:
    """The id of a path. Raises `unknown` for what is none: it behaves as one that nothing has."""
    uuid = find_uuid(written)
    if uuid is None:
        raise unknown
    return uuid
