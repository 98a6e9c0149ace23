"""Read the requests of API keys."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from accounts.keys import NAME_LENGTH
from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.reading import read_object

MAX_SCOPES, SCOPE_LENGTH = 500, 100
COUNT = re.compile(r"[1-9][0-9]{0,5}")
MISSING_NAME = Problem("missing required argument", "name")
MISSING_NAME_IN_CHANGE = Problem("expected JSON request body with 'name' property")
LONG_NAME = Problem(f"name is too long (maximum is {NAME_LENGTH} characters)", "name")
MISSING_SCOPES = Problem("missing required argument", "scopes")
INVALID_SCOPES = Problem("scopes must be an array of strings", "scopes")
TOO_MANY_SCOPES = Problem(f"there is a limit of {MAX_SCOPES} scopes of {SCOPE_LENGTH} characters each", "scopes")
INVALID_LIMIT = Problem("limit must be a positive integer", "limit")


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a key shall be called and may do; `scopes` None when nothing was said of them."""

    name: str
    scopes: list[str] | None


def read_new_key(request: Request) -> KeyRequest:
    """The body of POST api_keys: without `scopes` the key gets all that its maker has."""
    return read_key(read_object(request), MISSING_NAME)


def read_key_name(request: Request) -> str:
    """The body of PATCH api_keys."""
    given = read_object(request)
    return read_key({"name": given.get("name")}, MISSING_NAME_IN_CHANGE).name


def read_whole_key(request: Request) -> tuple[str, list[str]]:
    """The body of PUT api_keys, which takes a name and at least one scope."""
    wanted = read_key(read_object(request), MISSING_NAME_IN_CHANGE)
    if not wanted.scopes:
        raise Refusal(400, MISSING_SCOPES)
    return wanted.name, wanted.scopes


def read_key(given: Mapping[str, Any], missing_name: Problem) -> KeyRequest:
    name, scopes = given.get("name"), given.get("scopes")
    problems = []
    if not isinstance(name, str) or not name.strip():
        problems.append(missing_name)
    elif len(name) > NAME_LENGTH:
        problems.append(LONG_NAME)
    if not (scopes is None or (isinstance(scopes, list) and all(isinstance(scope, str) for scope in scopes))):
        problems.append(INVALID_SCOPES)
    elif scopes and (len(scopes) > MAX_SCOPES or max(map(len, scopes)) > SCOPE_LENGTH):
        problems.append(TOO_MANY_SCOPES)
    if problems:
        raise Refusal(400, *problems)
    return KeyRequest(str(name), scopes)


def read_limit(request: Request) -> int | None:
    """How many entries of a list are wanted; None: all."""
    given = request.query_params.get("limit")
    if given is None:
        return None
    if not COUNT.fullmatch(given):
        raise Refusal(400, INVALID_LIMIT)
    return int(given)
