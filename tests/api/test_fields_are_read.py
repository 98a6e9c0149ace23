"""Every field that the OpenAPI document names is read by its call, unless it is declared to have no effect.

A value that no field takes changes the answer of a call that reads the field. `test_mail_send_fields.py` looks at
mail/send more closely, and the native API refuses fields that it does not read.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from django.db import transaction

from api.without_effect import ITEMS, steps_of
from tests.api.conftest import ApiClient
from tests.api.described_fields import body_of, calls, find_declared, leaves_in
from tests.api.test_conformance import Ids, ids

__all__ = ["ids"]

NONSENSE = {"nonsense": [{}]}
UNNAMED = "nobody_names_this"
BY_NUMBER = ("/v3/contactdb", "/v3/campaigns", "/v3/senders")
"""The paths in which campaigns, lists and segments go by numbers; elsewhere they go by UUIDs."""
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
"""What has to be there before a call looks at its other fields."""


def asked_calls(ids: Ids) -> Iterator[tuple[str, str, str, list[str]]]:
    """Yield the name, the method, the path with ids in it, and the fields without a declaration."""
    for name, (method, path, call) in calls().items():
        body = body_of(call)
        if body is None or path == "/v3/mail/send" or path.startswith("/sluice"):
            continue
        for key, values in ids.items():
            path = path.replace(f"{{{key}}}", str(values[0 if path.startswith(BY_NUMBER) else -1]))
        yield name, method, path, [field for field in leaves_in(body) if not find_declared(name, field)]


def body_with(name: str, field: str, value: Any) -> Any:
    """Return a body in which a field has this value, with the field's companions; None leaves it as it is there."""
    steps = steps_of(field)
    body = copy.deepcopy(COMPANIONS.get(name, [{}] if steps[0] == ITEMS else {}))
    part, last = body, steps[-1]
    for step, following in pairwise(steps):
        empty: Any = [{}] if following == ITEMS else {}
        part = part[0] if step == ITEMS else part.setdefault(step, empty)
    if value is not None:
        part[last] = value
    return body


def ask(client: ApiClient, method: str, path: str, body: Any) -> tuple[bool, str]:
    """Return whether the call refuses the body, and its answer. Whatever it writes is undone."""
    with transaction.atomic():
        answer = client.ask(method, path, body)
        transaction.set_rollback(True)
    text = answer.content.decode()
    return answer.status_code >= 400 or '"error_count":1' in text, text


def is_read(client: ApiClient, name: str, method: str, path: str, field: str) -> bool:
    """Whether nonsense in a field is refused, for another reason than the rest of the body, or the field is missed."""
    is_refused, answer = ask(client, method, path, body_with(name, field, NONSENSE))
    if not is_refused:
        return False
    _, without = ask(client, method, path, body_with(name, field, None))
    return answer != without or f'"{steps_of(field)[-1]}"' in without


def test_every_named_field_is_read_or_declared_to_have_no_effect(client_of_alice: ApiClient, ids: Ids) -> None:
    unread = [
        (name, field)
        for name, method, path, fields in asked_calls(ids)
        for field in fields
        if not is_read(client_of_alice, name, method, path, field)
    ]
    assert unread == []


def test_a_field_that_nobody_names_is_not_taken_for_one_that_is_read(client_of_alice: ApiClient, ids: Ids) -> None:
    """Except for legacy recipients, whose custom fields are beside the others."""
    taken = {
        name
        for name, method, path, fields in asked_calls(ids)
        if fields
        and is_read(
            client_of_alice, name, method, path, f"{ITEMS}.{UNNAMED}" if fields[0].startswith(ITEMS) else UNNAMED
        )
    }
    assert taken == {"create_recipients", "change_recipients"}
