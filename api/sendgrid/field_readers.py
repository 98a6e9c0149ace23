"""The fields of a campaign, as legacy campaigns and Single Sends send them: one reader for each kind of value.

A reader takes what came from JSON and returns what the core stores, or raises `Wrong`. The texts are those of legacy
campaigns, where these have one; Single Sends have none in public.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.conf import settings
from pydantic import ValidationError

from api.sendgrid.campaign_texts import NO_TEST_ADDRESS, TOO_MANY_TESTS
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.ids import HIGHEST_ID, find_uuid
from api.sendgrid.mail.types import ADDRESS, MAX_LINE_LENGTH
from audience.lists import NAME_LENGTH
from campaigns.testing import TEST_ADDRESSES
from foundation.texts import is_line


def read_name(value: Any) -> str:
    if value is None or not (name := read_text(value)).strip() or len(name) > NAME_LENGTH:
        raise Wrong(f"{{name}} must have 1 to {NAME_LENGTH} characters")
    return name


CONTENT_BYTES: Final = 2**20
TITLE_LENGTH: Final = 100
MAX_CATEGORIES, CATEGORY_LENGTH = 10, 255
MAX_LISTS, MAX_SEGMENTS = 50, 10
MAX_LEGACY_LISTS: Final = 1000
URL_LENGTH: Final = 900
"""What the header with the link has room for."""
EDITORS = ("code", "design")
LATEST: Final = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
"""Times up to here can still be moved into any time zone, or by a window."""

URL = re.compile(r"https?://[!-;=?-~]+")
"""What can stand in a header between angle brackets."""
ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)


class Wrong(Exception):
    """What a value is not; `{name}` in its text stands for the field."""


class Field(NamedTuple):
    """A field of the wire, how it is read, and what the core calls it."""

    name: str
    read: Callable[[Any], Any]
    target: str


def read_fields(given: Mapping[str, Any], fields: Iterable[Field], *, within: str = "") -> tuple[Any, list[Problem]]:
    """What of the fields was given, in the core's words, and all that is wrong with it. `within` is the object they
    are in."""
    changes, problems = {}, []
    for field in fields:
        if field.name in given:
            try:
                changes[field.target] = field.read(given[field.name])
            except Wrong as wrong:
                problems.append(Problem(str(wrong).format(name=field.name), f"{within}{field.name}"))
    return changes, problems


def or_none(read: Callable[[Any], Any], empty: Any = None) -> Callable[[Any], Any]:
    """Null is taken, too, and stored as `empty`."""
    return lambda value: empty if value is None else read(value)


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("{name} must be a string")
    return value


def read_title(value: Any) -> str:
    if value is None or not (title := read_text(value)).strip():
        raise Wrong("{name} can't be blank")
    if len(title) > TITLE_LENGTH:
        raise Wrong(f"{{name}} is too long (maximum is {TITLE_LENGTH} characters)")
    return title


def read_line(value: Any) -> str:
    """A subject: it goes into a header."""
    if not is_line(line := read_text(value)):
        raise Wrong("{name} can't contain line breaks or control characters")
    if len(line) > MAX_LINE_LENGTH:
        raise Wrong(f"{{name}} is too long (maximum is {MAX_LINE_LENGTH} characters)")
    return line


def read_content(value: Any) -> str:
    if len(content := read_text(value)) > CONTENT_BYTES or len(content.encode()) > CONTENT_BYTES:
        raise Wrong("{name} exceeds the 1MB limit")
    return content


def read_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong("{name} must be a boolean")
    return value


def read_editor(value: Any) -> str:
    if value not in EDITORS:
        raise Wrong(
            "editor must be 'code' or 'design' if included. If not included, 'code' will be selected by default."
        )
    return str(value)


def read_categories(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Wrong("{name} must be an array of strings")
    if len(value) > MAX_CATEGORIES:
        raise Wrong(f"{{name}} exceeds {MAX_CATEGORIES} category limit")
    if any(not each.strip() or len(each) > CATEGORY_LENGTH for each in value):
        raise Wrong(f"each of the {{name}} must have 1 to {CATEGORY_LENGTH} characters")
    if len(set(value)) < len(value):
        raise Wrong("{name} must be unique")
    return value


def read_pool(value: Any) -> str:
    if value == "":
        return ""
    if not isinstance(value, str) or value not in settings.IP_POOLS:
        raise Wrong("The ip pool you provided is invalid")
    return value


def read_url(value: Any) -> str:
    if (url := read_text(value)) and (len(url) > URL_LENGTH or not URL.fullmatch(url)):
        raise Wrong(f"{{name}} must be a http or https address of at most {URL_LENGTH} visible ASCII characters")
    return url


def read_id(value: Any) -> int:
    """The number of something. One that is out of range is nothing's number."""
    if type(value) is not int:
        raise Wrong("{name} must be an integer")
    if not 1 <= value <= HIGHEST_ID:
        raise Wrong("{name} does not exist")
    return value


def several_ids(highest: int) -> Callable[[Any], list[int]]:
    """The numbers of several things, so many at most."""

    def read(value: Any) -> list[int]:
        if not isinstance(value, list) or not all(type(each) is int for each in value):
            raise Wrong("{name} must be an array of integers")
        if len(value) > highest:
            raise Wrong(f"{{name}} is limited to {highest}")
        if not all(1 <= each <= HIGHEST_ID for each in value):
            raise Wrong("{name} do not all exist")
        return value

    return read


def several_uuids(highest: int) -> Callable[[Any], list[UUID]]:
    """The UUIDs of several things, so many at most."""

    def read(value: Any) -> list[UUID]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Wrong("{name} must be an array of UUIDs")
        if len(value) > highest:
            raise Wrong(f"{{name}} is limited to {highest}")
        found = [uuid for each in value if (uuid := find_uuid(each))]
        if len(found) < len(value):
            raise Wrong("{name} must be an array of UUIDs")
        return found

    return read


def find_time(value: Any) -> dt.datetime | None:
    """ISO 8601 with a time zone; None if it is something else, or too far away."""
    if not isinstance(value, str) or not ISO_TIME.fullmatch(value):
        return None
    try:
        moment = dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment <= LATEST else None


def read_time(value: Any) -> dt.datetime:
    moment = find_time(value)
    if moment is None:
        raise Wrong("{name} must be a time like 2030-01-31T08:30:00Z")
    return moment


def read_address(value: Any) -> str:
    try:
        return ADDRESS.validate_python(value, strict=True)
    except ValidationError:
        raise Wrong("{name} must be an email address") from None


def read_addresses(value: Any) -> list[str]:
    """To whom a test goes: one address or up to ten, each once."""
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not given:
        raise Wrong(NO_TEST_ADDRESS)
    if len(given) > TEST_ADDRESSES:
        raise Wrong(TOO_MANY_TESTS)
    try:
        return list(dict.fromkeys(ADDRESS.validate_python(each, strict=True) for each in given))
    except ValidationError:
        raise Wrong(NO_TEST_ADDRESS) from None


def one_field(read: Any, value: Any, name: str) -> Any:
    """A field that is alone."""
    found, problems = read_fields({name: value}, [Field(name, read, name)])
    if problems:
        raise Refusal(400, *problems)
    return found[name]
