"""Define the kinds of fields that Easymail's requests have, and the texts for errors in them.

As in the original, texts are read without the spaces around them, an empty text counts as no value, and unknown fields
are ignored.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

from pydantic import AfterValidator, PlainValidator, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError
from rest_framework.request import Request

from api.bodies import ANY, ISO_TIME, Body, explain, find_time, find_uuid
from api.easymail import proposed
from api.easymail.errors import invalid
from api.http import read_object
from audience.query.vocabulary import UNSTORABLE
from foundation.addresses import is_email
from foundation.texts import is_line

INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

TEXTS: Final[Mapping[tuple[str, str], str]] = {
    (ANY, "missing"): "The {name} field is required.",
    (ANY, "string"): "The {name} field must be a string.",
    (ANY, "too_long"): "The {name} field must not be greater than {most} characters.",
    (ANY, "unstorable"): proposed.STORABLE_TEXT,
    (ANY, "lines"): proposed.LINE_TEXT,
    (ANY, "email"): "The {name} field must be a valid email address.",
    (ANY, "uuid"): "The {name} field must be a valid UUID.",
    (ANY, "flag"): "The {name} field must be true or false.",
    (ANY, "letters"): "The {name} field must be 2 letters.",
    (ANY, "iso_time"): "The {name} field must be a valid ISO 8601 date with an offset or Z.",
    (ANY, "time"): "The {name} field must be a valid date.",
    (ANY, "choice"): "The selected {name} is invalid.",
    (ANY, "integer"): "The {name} field must be an integer.",
    (ANY, "too_small"): "The {name} field must be at least {least}.",
    (ANY, "too_great"): "The {name} field must not be greater than {most}.",
    (ANY, "format"): "The {name} field format is invalid.",
    (ANY, "uuids"): "The {name} field must be an array of at most {most} UUIDs.",
    (ANY, "strings"): "The {name} field must be an array of 1 to {most} strings.",
    ("segment_uuid", "two_audiences"): proposed.ONE_AUDIENCE_TEXT,
    ("options", "no_options"): "The options field is required when type is select.",
}
"""The texts by field and kind of error."""

Model = TypeVar("Model", bound=Body)
Problems = dict[str, list[str]]


def read_body_as(model: type[Model], request: Request) -> Model:
    """Return the body of a request, which may be left out. Raises BadBody, and the Refusal that names all problems."""
    return read_as(model, read_object(request._request, may_be_empty=True))


def read_as(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """Return the fields of a body or of a query. Raises the Refusal that names all problems."""
    values, problems = check_as(model, fields)
    if values is None:
        raise invalid(problems)
    return values


def check_as(model: type[Model], fields: Mapping[str, Any]) -> tuple[Model | None, Problems]:
    """Return the fields of a body or of a query, or None and the problems of each field."""
    try:
        return model.model_validate(fields), {}
    except ValidationError as error:
        return None, {
            flaw.field: [text.format(name=flaw.field.replace("_", " "), **flaw.limits)]
            for flaw, text in explain(error, TEXTS)
        }


def wrong(kind: str, **limits: object) -> PydanticCustomError:
    """Make the error of a value, for `TEXTS`."""
    return PydanticCustomError(kind, kind, limits)


def empty_as(empty: Any, *, keeps_spaces: bool = False) -> WrapValidator:
    """Read null and an empty text as `empty`, and texts without the spaces around them."""

    def read(value: Any, validate: Callable[[Any], Any]) -> Any:
        if isinstance(value, str) and not keeps_spaces:
            value = value.strip()
        return empty if value in (None, "") else validate(value)

    return WrapValidator(read)


def required() -> WrapValidator:
    """Refuse null and an empty text, and read texts without the spaces around them."""

    def read(value: Any, validate: Callable[[Any], Any]) -> Any:
        if isinstance(value, str):
            value = value.strip()
        if value in (None, ""):
            raise wrong("missing")
        return validate(value)

    return WrapValidator(read)


def text(most: int) -> PlainValidator:
    """Read any text that can be stored, with at most this number of characters."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong("string")
        if len(value) > most:
            raise wrong("too_long", most=most)
        if UNSTORABLE.search(value):
            raise wrong("unstorable")
        return value

    return PlainValidator(read)


def check_header_line(value: str) -> str:
    """Return a text that can be the value of a header."""
    if "\t" in value or not is_line(value):
        raise wrong("lines")
    return value


LINE: Final = AfterValidator(check_header_line)


def spelled(kind: str, find: Callable[[str], Any]) -> PlainValidator:
    """Read a text with `find`, which returns None for a text that is wrong."""

    def read(value: Any) -> Any:
        result = find(value) if isinstance(value, str) else None
        if result is None:
            raise wrong(kind)
        return result

    return PlainValidator(read)


def choice(*words: str) -> PlainValidator:
    """Read one of these words."""
    return spelled("choice", lambda value: value if value in words else None)


def letters(change: Callable[[str], str]) -> PlainValidator:
    """Read a code of two letters, and change their case."""

    def read(value: Any) -> str:
        if not isinstance(value, str):
            raise wrong("string")
        if not re.fullmatch("[A-Za-z]{2}", value):
            raise wrong("letters")
        return change(value)

    return PlainValidator(read)


def integer(least: int, most: int | None = None) -> PlainValidator:
    """Read a number of a query."""

    def read(value: Any) -> int:
        if not isinstance(value, str) or not INTEGER.fullmatch(value):
            raise wrong("integer")
        if int(value) < least:
            raise wrong("too_small", least=least)
        if most is not None and int(value) > most:
            raise wrong("too_great", most=most)
        return int(value)

    return PlainValidator(read)


def read_flag(value: Any) -> bool:
    """Return a flag of a body: a boolean, 0 or 1."""
    if value not in (True, False) or isinstance(value, float):
        raise wrong("flag")
    return bool(value)


def read_moment(value: Any) -> dt.datetime:
    """Return a moment of ISO 8601 with an offset; without one it would depend on the server's time zone."""
    if not isinstance(value, str) or not ISO_TIME.fullmatch(value):
        raise wrong("iso_time")
    moment = find_time(value)
    if moment is None:
        raise wrong("time")
    return moment


Email = Annotated[str, spelled("email", lambda value: value if is_email(value) else None)]
Uuid = Annotated[UUID, spelled("uuid", find_uuid)]
Flag = Annotated[bool, PlainValidator(read_flag)]
FlagText = Annotated[bool, spelled("flag", lambda value: FLAGS.get(value.lower()))]
Moment = Annotated[dt.datetime, PlainValidator(read_moment)]
Language = Annotated[str, letters(str.lower)]
Country = Annotated[str, letters(str.upper)]
