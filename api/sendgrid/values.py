"""Declare the values that bodies of several families hold, and the texts for wrong ones.

The texts are those of legacy campaigns where these have one. Single Sends have no published texts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from annotated_types import GroupedMetadata
from django.conf import settings
from pydantic import AfterValidator, BeforeValidator, FailFast, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from api.bodies import ANY, as_one, condition
from api.sendgrid.errors import Answer, Problem
from api.sendgrid.ids import HIGHEST_ID
from audience.lists import NAME_LENGTH
from campaigns.links import URL_RULE, is_url
from campaigns.testing import TEST_ADDRESSES
from foundation.addresses import ASCII_ADDRESS, is_address
from foundation.texts import is_line

MAX_ADDRESS_LENGTH = 320
MAX_LINE_LENGTH = 998
"""The most characters of a subject, a name or a file's name: the length of a line in RFC 5322 section 2.1.1."""
CONTENT_BYTES: Final = 2**20
TITLE_LENGTH: Final = 100
MAX_CATEGORIES, CATEGORY_LENGTH = 10, 255
MAX_LISTS, MAX_SEGMENTS = 50, 10
MAX_LEGACY_LISTS: Final = 1000
EDITORS = ("code", "design")

UNKNOWN_LISTS: Final = "list_ids do not all exist"
LIST_NAME_TAKEN: Final = "a list or a segment with this name exists"
FIELD_IN_USE: Final = Answer(400, None, "Custom field in use by one or more segment conditions")
FIELD_LIMIT_REACHED: Final = Answer(400, None, "Cannot create more than {settings.CUSTOM_FIELDS_LIMIT} custom fields")
NO_TEST_ADDRESS: Final = "Please provide an email address to which the test should be sent."
TOO_MANY_TESTS: Final = "You can only send tests to 10 addresses at a time."

Texts = Mapping[tuple[str, str], str | Problem]
"""The texts by field (or any field) and kind of error (or any kind). `{name}` stands for the field."""

TEXTS: Final[Texts] = {
    (ANY, "string_type"): "{name} must be a string",
    (ANY, "int_type"): "{name} must be an integer",
    (ANY, "bool_type"): "{name} must be a boolean",
    (ANY, "model_type"): "{name} must be an object",
    (ANY, "dict_type"): "{name} must be an object",
    (ANY, "string_too_long"): "{name} is too long (maximum is {highest} characters)",
    (ANY, "blank"): "{name} can't be blank",
    (ANY, "line"): "{name} can't contain line breaks or control characters",
    (ANY, "content"): "{name} exceeds the 1MB limit",
    (ANY, "editor"): (
        "editor must be 'code' or 'design' if included. If not included, 'code' will be selected by default."
    ),
    (ANY, "array"): "{name} must be an array of {of}",
    (ANY, "too_many"): "{name} is limited to {highest}",
    (ANY, "too_many_categories"): "{name} exceeds {highest} category limit",
    (ANY, "category_length"): f"each of the {{name}} must have 1 to {CATEGORY_LENGTH} characters",
    (ANY, "not_unique"): "{name} must be unique",
    (ANY, "pool"): "The ip pool you provided is invalid",
    (ANY, "url"): f"{{name}} must be {URL_RULE}",
    (ANY, "unknown"): "{name} does not exist",
    (ANY, "not_all_known"): "{name} do not all exist",
    (ANY, "uuid"): "{name} must be a UUID",
    (ANY, "time"): "{name} must be a time like 2030-01-31T08:30:00Z",
    (ANY, "address"): "{name} must be an email address",
    (ANY, "no_test_address"): NO_TEST_ADDRESS,
    (ANY, "too_many_tests"): TOO_MANY_TESTS,
    (ANY, "name_length"): f"{{name}} must have 1 to {NAME_LENGTH} characters",
    (ANY, "required"): "{name} is required",
}


class Mailbox:
    """Accept the addresses that mail can be sent to. Plain ASCII is checked without a call of Python."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.chain_schema(
            [
                core_schema.str_schema(max_length=MAX_ADDRESS_LENGTH, strict=True),
                core_schema.union_schema(
                    [
                        core_schema.str_schema(pattern=f"^{ASCII_ADDRESS}$"),
                        core_schema.no_info_plain_validator_function(check_address),
                    ],
                    mode="left_to_right",
                    custom_error_type="string_pattern_mismatch",
                    custom_error_context={"pattern": "an address"},
                ),
            ]
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe an address. The pattern would fill the pages of the document."""
        return {"type": "string", "format": "idn-email", "maxLength": MAX_ADDRESS_LENGTH}


def check_address(text: str) -> str:
    """Accept an address that mail can be sent to."""
    if not is_address(text):
        raise ValueError("not an address")
    return text


def is_short(highest: int) -> AfterValidator:
    """Limit the characters of a text, after its other conditions."""
    return condition("string_too_long", lambda text: len(text) <= highest, highest=highest)


def is_few(highest: int, kind: str = "too_many") -> AfterValidator:
    """Limit the entries of a list, after their types were checked."""
    return condition(kind, lambda entries: len(entries) <= highest, highest=highest)


NULL_IS_BLANK: Final = BeforeValidator(lambda value: "" if value is None else value)

AddressText = Annotated[str, Mailbox()]
Address = Annotated[AddressText, as_one("address")]
Title = Annotated[str, NULL_IS_BLANK, condition("blank", str.strip), is_short(TITLE_LENGTH)]
ListName = Annotated[
    str, NULL_IS_BLANK, condition("name_length", lambda name: name.strip() and len(name) <= NAME_LENGTH)
]
Line = Annotated[str, condition("line", is_line), is_short(MAX_LINE_LENGTH)]
Content = Annotated[
    str,
    condition("content", lambda text: len(text) <= CONTENT_BYTES and len(text.encode()) <= CONTENT_BYTES),
]
Editor = Annotated[Literal["code", "design"], as_one("editor")]
Categories = Annotated[
    list[str],
    FailFast(),
    as_one("array", of="strings"),
    is_few(MAX_CATEGORIES, "too_many_categories"),
    condition("category_length", lambda them: all(each.strip() and len(each) <= CATEGORY_LENGTH for each in them)),
    condition("not_unique", lambda them: len(set(them)) == len(them)),
]
Pool = Annotated[str, condition("pool", lambda name: not name or name in settings.IP_POOLS), as_one("pool")]
Url = Annotated[str, condition("url", lambda url: not url or is_url(url))]
Id = Annotated[int, condition("unknown", lambda number: 1 <= number <= HIGHEST_ID)]
NULL_IF_EMPTY: Final = BeforeValidator(lambda value: None if value == "" else value)


@dataclass(frozen=True, slots=True)
class Ids(GroupedMetadata):
    """Limit a list of numbers to `highest` entries that could be ids."""

    highest: int

    def __iter__(self) -> Iterator[object]:
        yield FailFast()
        yield as_one("array", of="integers")
        yield is_few(self.highest)
        yield condition("not_all_known", lambda numbers: all(1 <= number <= HIGHEST_ID for number in numbers))


@dataclass(frozen=True, slots=True)
class Uuids(GroupedMetadata):
    """Limit a list of UUIDs to `highest` entries."""

    highest: int

    def __iter__(self) -> Iterator[object]:
        yield FailFast()
        yield as_one("array", of="UUIDs")
        yield BeforeValidator(self.count)

    def count(self, value: Any) -> Any:
        """Bound the texts before they are looked at."""
        if isinstance(value, list) and len(value) > self.highest and all(isinstance(text, str) for text in value):
            raise PydanticCustomError("too_many", "too_many", {"highest": self.highest})
        return value


def count_test_addresses(value: Any) -> Any:
    """Bound the addresses before they are looked at. One alone needs no list."""
    addresses = [value] if isinstance(value, str) else value
    if isinstance(addresses, list) and len(addresses) > TEST_ADDRESSES:
        raise PydanticCustomError("too_many_tests", "too_many_tests")
    return addresses


TestAddresses = Annotated[
    list[AddressText],
    Field(min_length=1),
    as_one("no_test_address"),
    AfterValidator(lambda addresses: list(dict.fromkeys(addresses))),
    BeforeValidator(count_test_addresses),
]
