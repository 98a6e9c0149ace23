"""No input to the audience's calls causes a 500, and a refused request stores nothing."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audience.models import Contact, ContactList, FieldDefinition, Job, Segment
from campaigns.models import Sender
from tests.api.conftest import ApiClient
from tests.api.fuzzed_bodies import FUZZ, mutated_bodies, values
from tests.api.sendgrid.contact_calls import ANN, EMAIL, MILLERS
from tests.api.sendgrid.sender_calls import SENDER
from tests.examples import few_rows_by_default

WHOLE: dict[tuple[str, str], Any] = {
    ("POST", "contactdb/lists"): {"name": "x"},
    ("POST", "contactdb/custom_fields"): {"name": "x", "type": "text"},
    ("POST", "contactdb/recipients"): [{"email": ANN, "first_name": "x"}],
    ("POST", "contactdb/segments"): {"name": "x", "list_id": 0, "conditions": [MILLERS, {**MILLERS, "and_or": "or"}]},
    ("POST", "contactdb/recipients/search"): {"list_id": 0, "conditions": [MILLERS]},
    ("POST", "senders"): SENDER,
    ("PUT", "marketing/contacts"): {
        "list_ids": [],
        "contacts": [{"email": ANN, "alternate_emails": ["a@b.de"], "custom_fields": {"e1_T": "x"}}],
    },
    ("POST", "marketing/contacts/search"): {"query": "email = 'a'"},
    ("POST", "marketing/contacts/batch"): {"ids": []},
    ("POST", "marketing/contacts/exports"): {"list_ids": [], "file_type": "csv", "max_file_size": 1},
    ("PUT", "marketing/contacts/imports"): {"file_type": "csv", "list_ids": [], "field_mappings": [EMAIL, None]},
    ("POST", "marketing/lists"): {"name": "x"},
    ("POST", "marketing/field_definitions"): {"name": "x", "field_type": "Text"},
    ("POST", "marketing/segments/2.0"): {"name": "x", "query_dsl": "email = 'a'", "parent_list_ids": []},
}
IDS = [f"{method} {path}" for method, path in WHOLE]
PATHS = (
    *(
        "contactdb/lists/{}",
        "contactdb/lists/{}/recipients",
        "contactdb/recipients/{}",
        "contactdb/recipients/{}/lists",
    ),
    *("contactdb/custom_fields/{}", "contactdb/segments/{}", "senders/{}", "marketing/senders/{}"),
    *("marketing/contacts/{}", "marketing/contacts/imports/{}", "marketing/contacts/exports/{}"),
    *("marketing/lists/{}", "marketing/field_definitions/{}", "marketing/segments/2.0/{}"),
    *("contactdb/recipients/search?email={}", "contactdb/recipients/search?{}=1", "marketing/lists?page_token={}"),
    *("marketing/contacts/exports?page_token={}", "contactdb/recipients?page={}", "marketing/segments/2.0?ids={}"),
)


def rows() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Contact, ContactList, FieldDefinition, Job, Segment, Sender))


def assert_is_fine(client: ApiClient, method: str, path: str, body: bytes = b"") -> None:
    before = rows()
    answer = client.ask(method, f"/v3/{path}", body)
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert all(error["message"] for error in json.loads(answer.content)["errors"])
        assert rows() == before


@FUZZ
@given(data=st.data())
@pytest.mark.parametrize(("method", "path"), few_rows_by_default(WHOLE, *list(WHOLE)[::5]), ids=IDS)
def test_any_body_is_stored_or_refused(method: str, path: str, data: st.DataObject, client_of_alice: ApiClient) -> None:
    bodies = mutated_bodies(WHOLE[method, path]) | values
    assert_is_fine(client_of_alice, method, path, json.dumps(data.draw(bodies)).encode())


@FUZZ
@given(
    text=st.text(min_size=1, max_size=40) | st.sampled_from(["0", "-1", "9" * 30, "٣", "'; --", "=", "AAAA", "e1_T"]),
    paths=st.lists(st.sampled_from(PATHS), min_size=3, max_size=3),
)
def test_any_id_and_any_parameter_is_answered(text: str, paths: list[str], client_of_alice: ApiClient) -> None:
    quoted = quote(text.encode(errors="replace"), safe="")
    for path in paths:
        assert_is_fine(client_of_alice, "GET", path.format(quoted))
