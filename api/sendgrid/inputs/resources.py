"""The small requests: a batch to stop, a key to make or change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from accounts.keys import NAME_LENGTH
from api.http import NotJson, parse_json, read_body
from api.sendgrid.errors import Problem, Refusal, plain_refusal
from batches.states import BatchStatus

STATUSES = {"pause": BatchStatus.PAUSED, "cancel": BatchStatus.CANCELLED}
BATCH_ID_LENGTH = 200
MAX_SCOPES, SCOPE_LENGTH = 500, 100
COUNT = re.compile(r"[1-9][0-9]{0,5}")

INVALID_BATCH = Problem("invalid batch id", "batch_id")
INVALID_STATUS = Problem("invalid status", "status")  # ours, as are all texts below that no document has
MISSING_NAME = Problem("missing required argument", "name")
MISSING_NAME_IN_CHANGE = Problem("expected JSON request body with 'name' property")
LONG_NAME = Problem(f"name is too long (maximum is {NAME_LENGTH} characters)", "name")
MISSING_SCOPES = Problem("missing required argument", "scopes")
INVALID_SCOPES = Problem("scopes must be an array of strings", "scopes")
TOO_MANY_SCOPES = Problem(f"there is a limit of {MAX_SCOPES} scopes of {SCOPE_LENGTH} characters each", "scopes")
INVALID_LIMIT = Problem("limit must be a positive integer", "limit")


@dataclass(frozen=True, slots=True)
class StopRequest:
    """A batch, and the status its caller wants it in."""

    batch_id: str
    status: BatchStatus


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """What a key shall be called and may do; `scopes` None when nothing was said of them."""

    name: str
    scopes: list[str] | None


def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object a request carries. Raises BadBody and Refusal."""
    value = read_json(request)
    if not isinstance(value, dict):
        raise NotJson
    return value


def read_array(request: Request) -> list[Any]:
    """The JSON array a request carries. Raises BadBody and Refusal."""
    value = read_json(request)
    if not isinstance(value, list):
        raise NotJson
    return value


def read_json(request: Request) -> Any:
    body = read_body(request._request)
    if not body:
        raise NotJson
    if request._request.content_type != "application/json":
        raise plain_refusal(415)
    return parse_json(body)


def read_stop(request: Request) -> StopRequest:
    """The body of POST scheduled_sends; names both fields if both are wrong."""
    given = read_object(request)
    batch_id, status = given.get("batch_id"), find_status(given)
    problems = [] if isinstance(batch_id, str) and 0 < len(batch_id) <= BATCH_ID_LENGTH else [INVALID_BATCH]
    if status is None:
        problems.append(INVALID_STATUS)
    if problems or status is None:
        raise Refusal(400, *problems)
    return StopRequest(str(batch_id), status)


def read_status(request: Request) -> BatchStatus:
    """The body of PATCH scheduled_sends."""
    status = find_status(read_object(request))
    if status is None:
        raise Refusal(400, INVALID_STATUS)
    return status


def find_status(given: Mapping[str, Any]) -> BatchStatus | None:
    word = given.get("status")
    return STATUSES.get(word) if isinstance(word, str) else None


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
