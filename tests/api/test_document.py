"""The OpenAPI document describes every endpoint, and its page loads nothing from other hosts."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import drf_spectacular.validation
import jsonschema_rs
import pytest
from django.test import Client
from django.urls import URLPattern, re_path

from api.document import Document, document_text
from api.easymail.schema import COMPONENTS as EASYMAIL_COMPONENTS
from api.easymail.urls import urlpatterns as easymail
from api.native.schema import COMPONENTS as NATIVE_COMPONENTS
from api.native.urls import urlpatterns as native
from api.native.views import Endpoint
from api.sendgrid.document import FAMILIES
from api.sendgrid.urls import urlpatterns as sendgrid
from api.without_effect import IGNORED
from tests.api.described_fields import body_of, fields_in, find_declared
from tests.api.described_fields import calls as described_calls

DOCUMENT = "/sluice/v1/openapi.json"


@pytest.fixture
def document() -> Any:
    return json.loads(document_text())


def calls(document: Any) -> dict[tuple[str, str], Any]:
    return {(method, path): call for path, item in document["paths"].items() for method, call in item.items()}


def path_of(prefix: str, pattern: URLPattern) -> str:
    """Return a pattern as a path: `^v1/batches/(?P<batch_id>[a-z]+)/?$` becomes `/sluice/v1/batches/{batch_id}`."""
    text = re.sub(r"\(\?P<(\w+)>.*?\)", r"{\1}", str(pattern.pattern))
    return prefix + text.removeprefix("^").removesuffix("$").removesuffix("/?").replace("\\.", ".")


def test_every_endpoint_is_described(document: Any) -> None:
    """Write `@schema.…` above the view of an endpoint that is missing here, as in `api/native/schema/`."""
    routed = set()
    for prefix, patterns in (("/sluice/", native), ("/v3/", sendgrid), ("/api/v1/", easymail)):
        for pattern in (each for each in patterns if each.callback.__name__ not in {"not_found", "error_404"}):
            methods = getattr(pattern.callback, "cls", None)
            for method in methods.scopes if methods else ["POST"]:
                routed.add((method.lower(), path_of(prefix, pattern)))
    assert set(calls(document)) == routed


def test_an_endpoint_without_a_description_is_left_out() -> None:
    class Forgotten(Endpoint):
        scopes = {"GET": None}

        def get(self, request: Any) -> Any: ...

    assert Document(patterns=[re_path(r"^forgotten/?$", Forgotten.as_view())]).parse(None, True) == {}


def test_the_document_is_openapi(document: Any) -> None:
    assert document["openapi"].startswith("3.0.")
    # The schema comes with drf-spectacular, whose own validator takes two seconds.
    schema = Path(drf_spectacular.validation.__file__).with_name("openapi_3_0_schema.json")
    jsonschema_rs.validate(json.loads(schema.read_text()), document)


def test_no_two_components_share_a_name() -> None:
    """The second component would describe the fields of the first."""
    families = [*(family.COMPONENTS for family in FAMILIES), NATIVE_COMPONENTS, EASYMAIL_COMPONENTS]
    shared = [name for name, count in Counter(name for family in families for name in family).items() if count > 1]
    assert shared == []


def test_no_two_calls_share_an_operation_id(document: Any) -> None:
    """The generator of the document adds a number to the second one, so that clients get `list_campaigns_2`."""
    names = [call["operationId"] for call in calls(document).values()]
    assert len(set(names)) == len(names) > 100
    assert [name for name in names if re.search(r"_\d+$", name)] == []


PRONOUN = re.compile("(It|They|Its|Their|Those|Them|Of|As|What)\\b")
"""The beginnings of descriptions that only make sense behind another sentence."""


def test_no_description_begins_with_a_pronoun(document: Any) -> None:
    def described(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            yield from (part[name] for name in ("summary", "description") if isinstance(part.get(name), str))
        for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            yield from described(each)

    texts = set(described(document))
    assert len(texts) > 400
    assert {text for text in texts if PRONOUN.match(text) or not text.strip()} == set()


def test_a_field_is_described_as_without_effect_if_it_is_declared_so() -> None:
    """The fields of an object without effect are described so, too, but no field of a component that others share."""
    wrong = [
        (name, path)
        for name, (_, _, call) in described_calls().items()
        for path, piece in fields_in(body_of(call) or {})
        if (find_declared(name, path) is not None) != piece.get("description", "").startswith(IGNORED.rstrip("."))
    ]
    assert wrong == []


def test_every_reference_leads_somewhere(document: Any) -> None:
    components = document["components"]["schemas"]
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)))
    assert named == set(components)


def test_every_call_documents_its_authentication_and_its_errors(document: Any) -> None:
    names = [call["operationId"] for call in calls(document).values()]
    assert len(set(names)) == len(names)
    for (method, path), call in calls(document).items():
        assert call["security"] == [{"apiKey": []}]
        assert call["summary"]
        assert {"401", "429", "500", "503"} <= set(call["responses"]), (method, path)
        assert "404" in call["responses"] or "{" not in path, (method, path)
        headers = {each["name"] for each in call.get("parameters", ()) if each["in"] == "header"}
        assert ("On-Behalf-Of" in headers) == (path != "/v3/mail/send")


WITH_SECRETS = {"/v3/api_keys", "/sluice/v1/endpoints", "/sluice/v1/endpoints/{endpoint_id}/rotate-secret"}
"""The calls whose answers show a secret once. They are not repeatable."""


def test_calls_that_can_be_repeated_document_the_idempotency_key(document: Any) -> None:
    for (method, path), call in calls(document).items():
        headers = {each["name"] for each in call.get("parameters", ()) if each["in"] == "header"}
        assert ("Idempotency-Key" in headers) == (method == "post" and path not in WITH_SECRETS), path


def test_anyone_may_read_the_document_and_no_other_method_is_allowed() -> None:
    answer = Client().get(DOCUMENT)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["info"]["title"] == "Sluice"
    assert not answer.cookies
    refused = Client(enforce_csrf_checks=True).post(DOCUMENT)
    assert (refused.status_code, refused.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED")


def test_the_page_loads_files_of_this_site_only(database: None) -> None:
    page = Client().get("/docs/")
    assert page.status_code == 200
    assert not page.cookies
    policy = page["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    text = page.content.decode()
    assert not re.search(r"<script(?! src)|<style|https?:", text)
    files = re.findall(r'(?:src|href|data-document)="(/[^"]+)"', text)
    assert len(files) == 6
    for file in files:
        answer = Client().get(file)
        assert answer.status_code == 200, file
        answer.close()
