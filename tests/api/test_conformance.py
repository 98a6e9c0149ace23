"""Every request within the OpenAPI document, or near it, is answered as the document says and never with a 5xx.

Schemathesis makes the requests from the document and sends them to the WSGI application. Many requests get ids of
objects that exist, since a random id only ever leads to a 404. `CONFORMANCE_EXAMPLES=500` runs longer.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from api.document import document_text
from tests.api.conftest import ApiClient
from tests.api.fuzzed_bodies import mutated_bodies
from tests.api.stored_objects import Ids
from tests.examples import few_by_default

EXAMPLES = int(os.environ.get("CONFORMANCE_EXAMPLES", "2"))
CALLS: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
"""The calls of the document, by tag."""
for _path, _item in json.loads(document_text())["paths"].items():
    for _method, _call in _item.items():
        CALLS[_call["tags"][0]].append((_method.upper(), _path))
PARTS = 8
"""The number of groups of the other tags. Each shares a database, which takes longer to empty than most calls take."""
CHECKS = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance"),
    *("response_headers_conformance", "response_schema_conformance"),
)
MAIL_SEND = "/v3/mail/send"


def strict(piece: Any) -> Any:
    """Return a copy in which every object has the named fields only, so that an undescribed field is found.

    This applies to our answers only. The document itself does not promise it, since an answer may get new fields at any
    time.
    """
    if isinstance(piece, list):
        return [strict(each) for each in piece]
    if not isinstance(piece, dict):
        return piece
    copy = {key: strict(value) for key, value in piece.items()}
    return {"additionalProperties": False, **copy} if isinstance(piece.get("properties"), dict) else copy


def strict_document() -> Any:
    document = json.loads(document_text())
    for item in document["paths"].values():
        for call in item.values():
            call["responses"] = strict(call["responses"])
    # Schemathesis generates huge mails, which take a second each; the fuzz test of mail/send has better ones.
    mail = document["paths"][MAIL_SEND]["post"]["requestBody"]["content"]["application/json"]
    mail["schema"] = {"type": "object", "maxProperties": 1}
    schemas = document["components"]["schemas"]
    names = named_in([call["responses"] for item in document["paths"].values() for call in item.values()], schemas)
    document["components"]["schemas"] = schemas | {name: strict(schemas[name]) for name in names}
    return document


def named_in(piece: Any, schemas: Any) -> set[str]:
    """Return the components that a part of the document refers to, directly or not."""
    names: set[str] = set()
    waiting = [piece]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict) and "$ref" in each:
            name = each["$ref"].rpartition("/")[2]
            if name not in names:
                names.add(name)
                waiting.append(schemas[name])
        elif isinstance(each, dict | list):
            waiting += each.values() if isinstance(each, dict) else each
    return names


@pytest.fixture(scope="module")
def schema() -> Any:
    # Imported here, since the import would cost every test run a second.
    import schemathesis

    schema = schemathesis.openapi.from_dict(strict_document())
    schema.app = WSGIHandler()
    return schema


USUAL = ["account"]
"""The group that every run tries."""
OTHERS = [tag for tag in CALLS if tag not in USUAL]
GROUPS = [USUAL, *(OTHERS[part::PARTS] for part in range(PARTS))]


@pytest.mark.parametrize("tags", few_by_default(GROUPS, USUAL), ids=" + ".join)
def test_calls_answer_as_described(tags: list[str], schema: Any, ids: Ids, client_of_alice: ApiClient) -> None:
    for method, path in (call for tag in tags for call in CALLS[tag]):
        ask_often(schema, method, path, ids=ids, key_text=client_of_alice.key_text)


def ask_often(schema: Any, method: str, path: str, *, ids: Ids, key_text: str) -> None:
    """Send many requests of one call; a failure shows a curl command that repeats it."""
    from schemathesis import GenerationMode
    from schemathesis.generation.feedback import NO_FEEDBACK

    # Without feedback, since it would depend on constants in the modules that happen to be loaded.
    good, bad = (schema[path][method].as_strategy(mode, feedback=NO_FEEDBACK) for mode in GenerationMode)
    headers = {"Authorization": f"Bearer {key_text}"}

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=good | bad, data=st.data())
    def ask(case: Any, data: st.DataObject) -> None:
        if path == MAIL_SEND and isinstance(case.body, dict):
            case.body = data.draw(mutated_bodies())
        for part in (case.path_parameters, case.query, case.headers, case.body):
            put_ids(part, ids, data)
        for name in ("On-Behalf-Of", "Idempotency-Key"):
            if data.draw(st.integers(0, 3)):
                case.headers.pop(name, None)
        case.call_and_validate(headers=headers, checks=checks())

    ask()


def checks() -> list[Any]:
    """Return Schemathesis's checks of single answers."""
    from schemathesis import checks

    checks.load_all_checks()
    return [checks.CHECKS.get_one(name) for name in CHECKS]


def put_ids(part: Any, ids: Ids, data: st.DataObject) -> None:
    """Replace half of the ids by those of objects that exist, of the right kind or of another."""
    if isinstance(part, dict):
        for name in part.keys() & ids.keys():
            if data.draw(st.booleans()):
                part[name] = data.draw(st.sampled_from(ids[name]))
