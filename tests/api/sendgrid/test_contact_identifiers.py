"""An identifier is taken from a contact by a job."""

from __future__ import annotations

from typing import Any

import pytest

from audience.models import Contact, Job
from tests.api.conftest import ApiClient
from tests.api.sendgrid.audience import do_jobs, refusal_of
from tests.api.sendgrid.contact_calls import ANN, CONTACTS, NOBODY, upsert

PHONE = {"identifier_type": "PHONENUMBERID", "identifier_value": "+49 30 123456"}
EMAIL = {"identifier_type": "EMAIL", "identifier_value": "Ann@EXAMPLE.com"}


@pytest.fixture
def ann(client_of_alice: ApiClient) -> Contact:
    """Create a contact of Alice with an address and a telephone number."""
    upsert(client_of_alice, {"email": ANN, "phone_number_id": "+4930123456"})
    return Contact.objects.get()


def removed(client: ApiClient, contact: Contact, body: Any) -> Any:
    """Return the job that has removed an identifier."""
    answer = client.delete(f"{CONTACTS}/{contact.uuid}/identifiers", body=body)
    assert answer.status_code == 202, answer.content
    do_jobs()
    return client.get(f"{CONTACTS}/imports/{answer.json()['job_id']}").json()


def test_all_but_the_last_identifier_are_removed(client_of_alice: ApiClient, ann: Contact) -> None:
    job = removed(client_of_alice, ann, EMAIL)
    assert (job["status"], job["job_type"], job["results"]["updated_count"]) == ("completed", "delete", 1)
    contact = Contact.objects.get()
    assert (contact.email, contact.phone_number_id) == (None, "+4930123456")
    assert contact.updated_at > ann.updated_at
    job = removed(client_of_alice, ann, PHONE)
    assert (job["status"], "no other identifier" in job["message"]) == ("failed", True)
    assert Contact.objects.get().phone_number_id == "+4930123456"


def test_a_contact_that_changes_before_its_job_is_left_alone(client_of_alice: ApiClient, ann: Contact) -> None:
    answer = client_of_alice.delete(f"{CONTACTS}/{ann.uuid}/identifiers", body=EMAIL)
    Contact.objects.update(email="other@example.com")
    do_jobs()
    job = client_of_alice.get(f"{CONTACTS}/imports/{answer.json()['job_id']}").json()
    assert (job["status"], job["message"]) == ("failed", "The contact was deleted or changed.")
    assert Contact.objects.get().email == "other@example.com"


def test_wrong_requests_are_refused_at_once(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, ann: Contact
) -> None:
    path = f"{CONTACTS}/{ann.uuid}/identifiers"
    kinds = "identifier_type must be one of EMAIL, PHONENUMBERID, EXTERNALID, ANONYMOUSID"
    wrong: list[tuple[Any, int, str, str]] = [
        ({**EMAIL, "identifier_type": "email"}, 400, "identifier_type", kinds),
        ({"identifier_value": ANN}, 400, "identifier_type", kinds),
        ({"identifier_type": "EMAIL"}, 400, "identifier_value", "identifier_value must be a string"),
        ({**EMAIL, "identifier_value": 7}, 400, "identifier_value", "identifier_value must be a string"),
        ({**EMAIL, "identifier_value": "nobody"}, 400, "identifier_value", "Invalid email."),
        (
            {**EMAIL, "identifier_value": "bob@example.com"},
            404,
            "identifier_value",
            "the contact does not have this identifier",
        ),
    ]
    for body, status, field, text in wrong:
        assert refusal_of(client_of_alice.delete(path, body=body)) == (status, [(field, text)])
    unknown = (404, [("id", "contact not found")])
    assert refusal_of(client_of_charlie.delete(path, body=EMAIL)) == unknown
    for contact in (NOBODY, "x"):
        assert refusal_of(client_of_alice.delete(f"{CONTACTS}/{contact}/identifiers", body=EMAIL)) == unknown
    assert Job.objects.filter(kind="delete").count() == 0
