"""Every field that the OpenAPI document names is read by its call, unless it is declared to have no effect.

A value that no field takes changes the answer of a call that reads the field. `test_mail_send_fields.py` looks at
mail/send more closely, and the native API refuses fields that it does not read.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from django.db import transaction

from api.without_effect import ITEMS, steps_of
from tests.api.conftest import ApiClient
from tests.api.described_fields import body_of, calls, find_declared, leaves_in
from tests.api.stored_objects import Ids

NONSENSE = {"nonsense": [{}]}
UNNAMED = "nobody_names_this"
BY_NUMBER = ("/v3/contactdb", "/v3/campaigns", "/v3/senders")
"""The paths in which campaigns, lists and segments have numbers; in others they have UUIDs."""
CONDITION = {"field": "email", "operator": "eq", "value": "x", "and_or": ""}
COMPANIONS: dict[str, Any] = {
    "create_recipients": [{"email": "new@example.com"}],
    "change_recipients": [{"email": "new@example.com"}],
    "create_segment": {"name": "Cats", "conditions": [CONDITION]},
    "change_segment": {"conditions": [CONDITION]},
    "search_recipients": {"conditions": [CONDITION]},
    "upsert_contacts": {"contacts": [{"email": "new@example.com"}]},
    "replace_api_key": {"name": "A key", "scopes": ["mail.send"]},
    "rename_api_key": {"name": "A key"},
    "easymail_change_contact": {"custom_fields": [{"field_key": "pet"}]},
}
"""Fields that a call requires before it looks at its other fields."""


@dataclass
class Call:
    """A call with ids in its path, and the fields of its body without a declaration."""

    client: ApiClient
    name: str
    method: str
    path: str
    fields: list[str]
    answers: dict[str, tuple[bool, str]] = field(default_factory=dict)
    """The answers by body, since the fields of one object are compared with the same answer."""

    def ask(self, body: Any) -> tuple[bool, str]:
        """Return whether the call refuses the body, and its answer. Whatever it writes is undone."""
        key = json.dumps(body)
        if key not in self.answers:
            with transaction.atomic():
                answer = self.client.ask(self.method, self.path, body)
                transaction.set_rollback(True)
            text = answer.content.decode()
            self.answers[key] = answer.status_code >= 400 or '"error_count":1' in text, text
        return self.answers[key]

    def reads(self, path: str) -> bool:
        """Return whether nonsense in the field causes an error that changes, or names the field, without it."""
        is_refused, answer = self.ask(body_with(self.name, path, NONSENSE))
        if not is_refused:
            return False
        _, without = self.ask(body_with(self.name, path, None))
        return answer != without or f'"{steps_of(path)[-1]}"' in without

    @property
    def unnamed(self) -> str:
        """Return the path of a field that the document does not name."""
        return f"{ITEMS}.{UNNAMED}" if self.fields[0].startswith(ITEMS) else UNNAMED


def calls_with_bodies(client: ApiClient, ids: Ids) -> Iterator[Call]:
    for name, (method, path, call) in calls().items():
        body = body_of(call)
        if body is None or path == "/v3/mail/send" or path.startswith("/sluice"):
            continue
        for key, values in ids.items():
            path = path.replace(f"{{{key}}}", str(values[0 if path.startswith(BY_NUMBER) else -1]))
        if fields := [each for each in leaves_in(body) if not find_declared(name, each)]:
            yield Call(client, name, method, path, fields)


def body_with(name: str, path: str, value: Any) -> Any:
    """Return a body in which a field has this value, with the field's companions; None sets no value."""
    steps = steps_of(path)
    body = copy.deepcopy(COMPANIONS.get(name, [{}] if steps[0] == ITEMS else {}))
    part, last = body, steps[-1]
    for step, following in pairwise(steps):
        empty: Any = [{}] if following == ITEMS else {}
        part = part[0] if step == ITEMS else part.setdefault(step, empty)
    if value is not None:
        part[last] = value
    return body


@pytest.mark.large
def test_every_named_field_is_read_or_declared_to_have_no_effect(client_of_alice: ApiClient, ids: Ids) -> None:
    """An undescribed field changes no answer, except in legacy recipients, where it may be a custom field."""
    unread, taken = [], set()
    for call in calls_with_bodies(client_of_alice, ids):
        unread += [(call.name, path) for path in call.fields if not call.reads(path)]
        taken |= {call.name} if call.reads(call.unnamed) else set()
    assert (unread, taken) == ([], {"create_recipients", "change_recipients"})
