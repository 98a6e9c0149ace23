"""The requests of senders, legacy and newer: what of a body the core is told. What a sender may be the core knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from rest_framework.request import Request

from api.sendgrid.errors import Problem, Refusal
from api.sendgrid.ids import HIGHEST_ID
from api.sendgrid.reading import read_object
from campaigns.errors import UnknownSender
from campaigns.senders import Parts

PLAIN: Final = ("nickname", "address", "address_2", "city", "state", "zip", "country")
WITHIN: Final = {
    "from": {"email": "from_email", "name": "from_name"},
    "reply_to": {"email": "reply_to", "name": "reply_to_name"},
}


def read_sender_id(text: str) -> int:
    """The sender a path names. Raises UnknownSender for what is no number of one."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and 1 <= int(text) <= HIGHEST_ID):
        raise UnknownSender(field="id")
    return int(text)


def read_new_sender(request: Request) -> Parts:
    """The body of POST senders."""
    return read_parts({"from": {}, "reply_to": {}, **read_object(request)})


def read_sender_change(request: Request) -> Parts:
    """The body of PATCH senders: what is given changes, and within `from` and `reply_to`, too."""
    return read_parts(read_object(request))


def read_parts(given: Mapping[str, Any]) -> Parts:
    said: dict[str, Any] = {name: given[name] for name in PLAIN if name in given}
    problems = []
    for outer, names in WITHIN.items():
        inner = given.get(outer, {})
        if isinstance(inner, dict):
            said |= {part: inner[name] for name, part in names.items() if name in inner}
        else:
            problems.append(Problem(f"{outer} must be an object.", outer))
    wrong = [part for part, value in said.items() if not (value is None or isinstance(value, str))]
    problems += [Problem(f"{part} must be a string.", part) for part in wrong]
    if problems:
        raise Refusal(400, *problems)
    return cast("Parts", {part: value or "" for part, value in said.items()})
