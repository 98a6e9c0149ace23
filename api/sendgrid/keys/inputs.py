"""Read the requests of API keys. Only the texts for a name that is missing are SendGrid's."""

from __future__ import annotations

import re
from typing import Annotated, Final

from rest_framework.request import Request

from accounts.keys import NAME_LENGTH
from api.bodies import ANY, Body, FailFast, as_one, condition
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_fields, read_object
from api.sendgrid.values import Texts, is_short

MAX_SCOPES, SCOPE_LENGTH = 500, 100
COUNT = re.compile(r"[1-9][0-9]{0,5}")
MISSING_SCOPES: Final = Problem("missing required argument", "scopes")
INVALID_LIMIT: Final = Problem("limit must be a positive integer", "limit")


class KeyName(Body):
    """The name of a key."""

    name: Annotated[str, condition("blank", str.strip), is_short(NAME_LENGTH)]


class KeyRequest(KeyName):
    """The name and the scopes of a key. `scopes` is None if the request does not name any."""

    scopes: (
        Annotated[
            list[str],
            FailFast(),
            as_one("scopes"),
            condition(
                "too_many_scopes",
                lambda scopes: len(scopes) <= MAX_SCOPES and all(len(scope) <= SCOPE_LENGTH for scope in scopes),
            ),
        ]
        | None
    ) = None


TEXTS: Final[Texts] = {
    ("name", ANY): "missing required argument",
    ("name", "string_too_long"): "name is too long (maximum is {highest} characters)",
    (ANY, "scopes"): "scopes must be an array of strings",
    (ANY, "too_many_scopes"): f"there is a limit of {MAX_SCOPES} scopes of {SCOPE_LENGTH} characters each",
}
TEXTS_OF_CHANGES: Final[Texts] = {
    **TEXTS,
    ("name", ANY): Problem("expected JSON request body with 'name' property"),
}


def read_new_key(request: Request) -> KeyRequest:
    """Return the key that the body of POST api_keys asks for: without `scopes` it gets all that its maker has."""
    return read_fields(KeyRequest, read_object(request), TEXTS)


def read_key_name(request: Request) -> str:
    """Return the name in the body of PATCH api_keys."""
    return read_fields(KeyName, read_object(request), TEXTS_OF_CHANGES).name


def read_whole_key(request: Request) -> tuple[str, list[str]]:
    """Return the name and the scopes, at least one, in the body of PUT api_keys."""
    key = read_fields(KeyRequest, read_object(request), TEXTS_OF_CHANGES)
    if not key.scopes:
        raise Refusal(400, MISSING_SCOPES)
    return key.name, key.scopes


def read_limit(request: Request) -> int | None:
    """Return the largest number of entries to list, or None for all."""
    text = request.query_params.get("limit")
    if text is None:
        return None
    if not COUNT.fullmatch(text):
        raise Refusal(400, INVALID_LIMIT)
    return int(text)
