"""Answer the calls for contacts: jobs store and delete them, searches answer at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api.bodies import find_uuid
from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.contacts import inputs, outputs, schema
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer, Problem, Refusal
from api.sendgrid.outputs import metadata_of
from api.sendgrid.values import UNKNOWN_LISTS
from audience import contacts
from audience.jobs import deletions
from audience.jobs.upserts import begin_upsert
from audience.models import Contact
from audience.query.sgql import read_query
from audience.query.vocabulary import Vocabulary, vocabulary_of
from audience.segments import count_matching, find_matching
from campaigns.editing import numbers_of
from campaigns.errors import UnknownCampaign

SAMPLE = 50
"""The most contacts in an answer that has no pages."""


class ContactEndpoint(MarketingEndpoint):
    """An endpoint of contacts."""

    answers = {
        "unknown_contact": Answer(404, "id", "contact not found"),
        "unknown_identifier": Answer(404, "identifier_value", "the contact does not have this identifier"),
        "unknown_list": Answer(404, "list_ids", UNKNOWN_LISTS),
    }

    def answer_with(self, rows: Sequence[Contact], count: int) -> Response:
        """Answer with some contacts, and the number of all."""
        result = outputs.contacts(self.request, self.account, rows)
        return Response({"result": result, "contact_count": count, "_metadata": metadata_of(self.request)})


def query_words(account: Account) -> Vocabulary:
    """Return the names that a query may use. Single Sends go by their UUIDs."""

    def find(text: str) -> int | None:
        uuid = find_uuid(text)
        try:
            return numbers_of(account, [uuid])[0] if uuid else None
        except UnknownCampaign:
            return None

    return vocabulary_of(account, find_campaign=find)


@schema.contacts
class Contacts(ContactEndpoint):
    scopes = needing(GET="read", PUT="update", DELETE="delete")

    def get(self, request: Request) -> Response:
        newest = contacts.newest_contacts(self.account, limit=SAMPLE)
        by_email = sorted(newest, key=lambda each: each.email or "")
        return self.answer_with(by_email, contacts.count_contacts(self.account))

    def put(self, request: Request) -> Response:
        rows, list_ids = inputs.read_upsert(request, self.account)
        job = begin_upsert(self.account, rows, list_ids=list_ids)
        return Response({"job_id": str(job.uuid)}, status=202)

    def delete(self, request: Request) -> Response:
        uuids = inputs.read_deletion(request)
        if uuids is None:
            job = deletions.begin_deletion_of_all(self.account)
        else:
            job = deletions.begin_deletion(self.account, uuids)
        return Response({"job_id": str(job.uuid)}, status=202)


@schema.one_contact
class OneContact(ContactEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, contact_id: str) -> Response:
        contact = contacts.find_contact(self.account, inputs.read_contact_id(contact_id))
        return Response(outputs.contacts(request, self.account, [contact])[0])


@schema.identifiers
class ContactIdentifiers(ContactEndpoint):
    scopes = needing(DELETE="delete")

    def delete(self, request: Request, contact_id: str) -> Response:
        uuid, (kind, value) = inputs.read_contact_id(contact_id), inputs.read_removal(request)
        job = deletions.begin_identifier_removal(self.account, uuid, kind, value)
        return Response({"job_id": str(job.uuid)}, status=202)


@schema.batch
class ContactBatch(ContactEndpoint):
    scopes = needing(POST="read")

    @done_once
    def post(self, request: Request) -> Response:
        rows = contacts.find_contacts(self.account, inputs.read_batch(request))
        return Response({"result": outputs.contacts(request, self.account, rows)})


@schema.count
class ContactCount(ContactEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        count = contacts.count_contacts(self.account)
        return Response({"contact_count": count, "billable_count": count})


@schema.search
class ContactSearch(ContactEndpoint):
    scopes = needing(POST="read")

    @done_once
    def post(self, request: Request) -> Response:
        condition = read_query(inputs.read_query_text(request), query_words(self.account))
        rows = find_matching(self.account, condition, limit=SAMPLE)
        return self.answer_with(rows, count_matching(self.account, condition))


class FindByIdentifier(ContactEndpoint):
    """Return contacts by identifiers of one kind: for each identifier its contact, or an error."""

    def find(self, kind: str, field: str) -> Response:
        """Answer with the contacts of the identifiers in this field of the body, by each in the form that is kept."""
        identifiers = inputs.read_identifiers(self.request, field, kind)
        by_value = contacts.find_by_identifier(self.account, kind, identifiers)
        if not by_value:
            raise Refusal(404, Problem("contact not found", field))
        by_uuid = {
            UUID(each["id"]): each for each in outputs.contacts(self.request, self.account, [*by_value.values()])
        }
        return Response(
            {
                "result": {
                    each: {"contact": by_uuid[by_value[each].uuid]}
                    if each in by_value
                    else {"error": "contact not found"}
                    for each in identifiers
                }
            }
        )


@schema.search_emails
class SearchEmails(FindByIdentifier):
    scopes = needing(POST="read")

    @done_once
    def post(self, request: Request) -> Response:
        return self.find("email", "emails")


@schema.search_identifiers
class SearchIdentifiers(FindByIdentifier):
    scopes = needing(POST="read")

    @done_once
    def post(self, request: Request, identifier_type: str) -> Response:
        return self.find(inputs.read_identifier_type(identifier_type), "identifiers")


CONTACT_ID = r"(?P<contact_id>[^/\0]{1,200})"
IDENTIFIER_TYPE = r"(?P<identifier_type>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/contacts/?$", Contacts.as_view()),
    re_path(r"^marketing/contacts/batch/?$", ContactBatch.as_view()),
    re_path(r"^marketing/contacts/count/?$", ContactCount.as_view()),
    re_path(r"^marketing/contacts/search/?$", ContactSearch.as_view()),
    re_path(r"^marketing/contacts/search/emails/?$", SearchEmails.as_view()),
    re_path(rf"^marketing/contacts/search/identifiers/{IDENTIFIER_TYPE}/?$", SearchIdentifiers.as_view()),
    re_path(rf"^marketing/contacts/{CONTACT_ID}/?$", OneContact.as_view()),
    re_path(rf"^marketing/contacts/{CONTACT_ID}/identifiers/?$", ContactIdentifiers.as_view()),
]
