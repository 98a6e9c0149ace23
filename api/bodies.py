"""Read JSON bodies: pydantic models describe the bodies, and each API has tables of texts for the errors in them.

Validation is strict: a boolean is not an integer, a number is not a string, and null has the wrong type unless a field
says otherwise. Fields that a model does not name are ignored. Pydantic names every error by a kind, such as
`string_type` or `missing`; a condition that a model adds (`condition`) names its kind. A table maps field and kind to a
text of the API.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeVar
from uuid import UUID

import pydantic
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError

ANY: Final = "*"
"""The key for any field, or for any kind of error, in a table of texts."""
UUID_TEXT: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
ISO_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
"""A time of ISO 8601 with an offset; without one it would depend on the server's time zone."""
LATEST: Final = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
"""The latest time that can still be converted to any time zone."""

Text = TypeVar("Text")


class Body(BaseModel):
    """The content of a JSON object. The aliases of the fields are their names in the API."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")

    def sent_fields(self) -> dict[str, Any]:
        """Return the values of the fields that the request holds, by their names in the core."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class FailFast(pydantic.FailFast):
    """Stop at the first wrong entry of a list. Pydantic's FailFast cannot be hashed, which optional types need."""

    __hash__ = object.__hash__


class Flaw(NamedTuple):
    """An error of a body: the dotted path of the field without indexes, the kind of the error, and its limits."""

    field: str
    kind: str
    limits: Mapping[str, Any]


def explain(error: ValidationError, texts: Mapping[tuple[str, str], Text]) -> Iterator[tuple[Flaw, Text]]:
    """Yield the first flaw of each field with its text, in the order of the model's fields."""
    explained = set()
    for each in error.errors(include_url=False, include_input=False):
        field = ".".join(part for part in each["loc"] if isinstance(part, str))
        if field not in explained:
            explained.add(field)
            flaw = Flaw(field, each["type"], each.get("ctx", {}))
            yield flaw, find_text(flaw, texts)


def find_text(flaw: Flaw, texts: Mapping[tuple[str, str], Text]) -> Text:
    """Return the text for a flaw: that of its field and kind, else that of its field, else that of its kind."""
    for key in ((flaw.field, flaw.kind), (flaw.field, ANY)):
        if key in texts:
            return texts[key]
    return texts[ANY, flaw.kind]


def condition(kind: str, holds: Callable[[Any], object], **limits: object) -> AfterValidator:
    """Make a condition that values have to meet. Its error has this kind and these limits."""

    def check(value: Any) -> Any:
        if not holds(value):
            raise PydanticCustomError(kind, kind, limits)
        return value

    return AfterValidator(check)


def as_one(kind: str, **limits: object) -> WrapValidator:
    """Replace all errors of a value, at any depth, by a single error of this kind."""

    def validate_whole(value: Any, validate: Callable[[Any], Any]) -> Any:
        try:
            return validate(value)
        except ValidationError:
            raise PydanticCustomError(kind, kind, limits) from None

    return WrapValidator(validate_whole)


def null_as(make_empty: Callable[[], Any]) -> WrapValidator:
    """Accept null, too, and read it as an empty value, such as that of `str` or `list`."""
    return WrapValidator(lambda value, validate: make_empty() if value is None else validate(value))


def find_uuid(text: str) -> UUID | None:
    """Return the UUID that a text represents in the usual form with hyphens, or None."""
    return UUID(text) if UUID_TEXT.fullmatch(text) else None


def find_time(text: str) -> dt.datetime | None:
    """Return the moment that a text of ISO 8601 names, or None if it has no offset, does not exist, or is too late."""
    if not ISO_TIME.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment <= LATEST else None


def _spelled(find: Callable[[str], Any], kind: str) -> BeforeValidator:
    """Read a string with `find`. If `find` returns None, the error has this kind."""

    def read(value: Any) -> Any:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "string_type")
        if (result := find(value)) is None:
            raise PydanticCustomError(kind, kind)
        return result

    return BeforeValidator(read)


Uuid = Annotated[UUID, _spelled(find_uuid, "uuid")]
Moment = Annotated[dt.datetime, _spelled(find_time, "time")]
