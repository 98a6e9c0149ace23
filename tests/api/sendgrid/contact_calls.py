"""Provide calls that store contacts, lists and fields, and import files of contacts."""

from __future__ import annotations

from typing import Any

from django.test import Client

from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs

CONTACTS, LISTS = "/v3/marketing/contacts", "/v3/marketing/lists"
IMPORTS, EXPORTS = f"{CONTACTS}/imports", f"{CONTACTS}/exports"
FIELDS = "/v3/marketing/field_definitions"
ANN, BOB = "ann@example.com", "bob@example.com"
NOBODY = "6b1c1f0e-93f8-4c1c-a0ec-5d8a0d2a9d11"
"""The id of no object."""
EMAIL, FIRST_NAME = "_rf2_T", "_rf0_T"
FILE = b"mail,name,note,pet\r\nann@example.com,Ann,x,dog\r\nno address,Bo,,\r\nbob@example.com,Bob,,cat\r\n"
MILLERS = {"field": "last_name", "value": "Miller", "operator": "eq", "and_or": ""}
"""A legacy condition."""


def new_list(client: ApiClient, name: str = "News") -> str:
    answer = client.post(LISTS, {"name": name})
    assert answer.status_code == 201
    return str(answer.json()["id"])


def new_field(client: ApiClient, name: str, type_: str = "Text") -> str:
    answer = client.post(FIELDS, {"name": name, "field_type": type_})
    assert answer.status_code == 200
    return str(answer.json()["id"])


def upsert(client: ApiClient, *contacts: Any, **more: Any) -> Any:
    """Store contacts; the job when it is done."""
    answer = client.put(CONTACTS, {"contacts": list(contacts), **more})
    assert answer.status_code == 202, answer.content
    do_jobs()
    return client.get(f"{CONTACTS}/imports/{answer.json()['job_id']}").json()


def begin(client: ApiClient, **changes: Any) -> Any:
    answer = client.put(IMPORTS, {"file_type": "csv", "field_mappings": [EMAIL, FIRST_NAME], **changes})
    assert answer.status_code == 200, answer.content
    return answer.json()


def upload(begun: Any, file: bytes) -> Any:
    """Upload a file by its link, which needs no key."""
    headers = {each["header"]: each["value"] for each in begun["upload_headers"]}
    return Client().put(begun["upload_uri"], file, content_type=headers.pop("Content-Type"), headers=headers)
