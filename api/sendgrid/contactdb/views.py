"""Answer the calls for legacy lists, recipients and custom fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once
from api.sendgrid.contactdb import inputs, outputs, schema
from api.sendgrid.contactdb.recipient_ids import find_recipients
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Answers, Problem, Refusal
from api.sendgrid.values import FIELD_IN_USE, FIELD_LIMIT_REACHED, LIST_NAME_TAKEN
from audience import fields, lists
from audience.contacts import count_contacts, delete_contacts, list_contacts
from audience.errors import UnknownList
from audience.jobs.deletions import begin_deletion_of_list
from audience.models import Contact
from audience.upsert import upsert_contacts

CREATE, READ, UPDATE, DELETE = (f"marketing_campaigns.{verb}" for verb in ("create", "read", "update", "delete"))


class ContactDatabase(Endpoint):
    """An endpoint of the legacy contact database."""

    def answer_with(self, contacts: Sequence[Contact]) -> Response:
        """Answer with recipients."""
        return Response(outputs.recipients(contacts, list(fields.list_fields(self.account))))

    def answer_with_page(self, contacts: Sequence[Contact], offset: int) -> Response:
        """Answer with a page of recipients, or with 404 behind the last page."""
        if offset and not contacts:
            raise Refusal(404, Problem("No more pages"))
        return self.answer_with(contacts)


LIST_ANSWERS: Final[Answers] = {
    "unknown_list": Answer(404, None, "List ID does not exist"),
    "name_taken": Answer(400, "name", LIST_NAME_TAKEN),
}
MEMBER_ANSWERS: Final[Answers] = {
    "unknown_list": Answer(404, "list_id", "list_id does not exist"),
    "unknown_contact": Answer(404, "recipient_id", inputs.UNKNOWN_MEMBER),
}
FIELD_ANSWERS: Final[Answers] = {
    "unknown_field": Answer(404, None, "Custom field ID does not exist"),
    "field_in_use": FIELD_IN_USE,
    "field_limit_reached": FIELD_LIMIT_REACHED,
}


# --- lists ------------------------------------------------------------------------------------------------------------


@schema.lists
class Lists(ContactDatabase):
    answers = LIST_ANSWERS
    scopes = {"POST": CREATE, "GET": READ, "DELETE": DELETE}

    def get(self, request: Request) -> Response:
        return Response({"lists": [outputs.contact_list(each) for each in lists.list_lists(self.account)]})

    @done_once
    def post(self, request: Request) -> Response:
        contact_list = lists.create_list(self.account, inputs.read_list_name(request))
        return Response(outputs.contact_list(contact_list), status=201)

    def delete(self, request: Request) -> Response:
        if not sum(self._delete(number) for number in inputs.read_list_ids(request)):
            raise Refusal(400, inputs.INVALID_LIST_IDS)
        return Response(status=204)

    def _delete(self, number: int) -> bool:
        try:
            lists.delete_list(self.account, number)
        except UnknownList:
            return False
        return True


@schema.one_list
class OneList(ContactDatabase):
    answers = LIST_ANSWERS
    scopes = {"GET": READ, "PATCH": UPDATE, "DELETE": DELETE}

    def get(self, request: Request, list_id: str) -> Response:
        return Response(outputs.contact_list(lists.find_list(self.account, inputs.read_id(list_id))))

    def patch(self, request: Request, list_id: str) -> Response:
        number = inputs.read_id(list_id)
        return Response(outputs.contact_list(lists.rename_list(self.account, number, inputs.read_list_name(request))))

    def delete(self, request: Request, list_id: str) -> Response:
        number, with_contacts = inputs.read_id(list_id, inputs.INVALID_LIST), inputs.read_flag(request)
        try:
            contact_list = lists.find_list(self.account, number)
            if with_contacts:
                begin_deletion_of_list(contact_list)
            else:
                lists.delete_list(self.account, number)
        except UnknownList:
            raise Refusal(404, Problem(f"List not found: {list_id}")) from None
        return Response(status=202)


@schema.members
class Members(ContactDatabase):
    answers = MEMBER_ANSWERS
    scopes = {"GET": READ, "POST": UPDATE}

    def get(self, request: Request, list_id: str) -> Response:
        offset, limit = inputs.read_page(request)
        contact_list = lists.find_list(self.account, inputs.read_id(list_id, inputs.INVALID_LIST))
        return self.answer_with_page(lists.contacts_of_list(contact_list, offset=offset, limit=limit), offset)

    @done_once
    def post(self, request: Request, list_id: str) -> Response:
        contact_list = lists.find_list(self.account, inputs.read_id(list_id, inputs.INVALID_LIST))
        contacts = find_recipients(self.account, inputs.read_members(request))
        if not contacts:
            raise Refusal(404, inputs.UNKNOWN_MEMBERS)
        lists.add_to_list(self.account, contact_list.pk, [each.pk for each in contacts])
        return Response(status=201)


@schema.one_member
class OneMember(ContactDatabase):
    answers = MEMBER_ANSWERS
    scopes = {"POST": UPDATE, "DELETE": DELETE}

    @done_once
    def post(self, request: Request, list_id: str, recipient_id: str) -> Response:
        contact_list = lists.find_list(self.account, inputs.read_id(list_id, inputs.INVALID_LIST))
        contact = inputs.read_recipient(self.account, recipient_id, inputs.INVALID_MEMBER)
        lists.add_to_list(self.account, contact_list.pk, [contact.pk])
        return Response(status=201)

    def delete(self, request: Request, list_id: str, recipient_id: str) -> Response:
        contact_list = lists.find_list(self.account, inputs.read_id(list_id, inputs.INVALID_LIST))
        contact = inputs.read_recipient(self.account, recipient_id, inputs.NO_VALID_MEMBERS)
        lists.remove_from_list(self.account, contact_list.pk, [contact.pk])
        return Response(status=204)


# --- recipients -------------------------------------------------------------------------------------------------------


@schema.recipients
class Recipients(ContactDatabase):
    bad_json = "Request body is not valid json"
    scopes = {"POST": CREATE, "PATCH": UPDATE, "GET": READ, "DELETE": DELETE}

    def get(self, request: Request) -> Response:
        offset, limit = inputs.read_page(request)
        return self.answer_with_page(list_contacts(self.account, offset=offset, limit=limit), offset)

    @done_once
    def post(self, request: Request) -> Response:
        return self.patch(request)

    def patch(self, request: Request) -> Response:
        rows = inputs.read_recipients(request, self.account)
        return Response(outputs.upserted(rows, upsert_contacts(self.account, rows)), status=201)

    def delete(self, request: Request) -> Response:
        contacts = find_recipients(self.account, inputs.read_deleted(request))
        delete_contacts(self.account, [each.pk for each in contacts])
        return Response({})


@schema.one_recipient
class OneRecipient(ContactDatabase):
    answers = {"unknown_contact": Answer(404, None, "recipient_id is not valid")}
    scopes = {"GET": READ, "DELETE": DELETE}

    def get(self, request: Request, recipient_id: str) -> Response:
        contact = inputs.read_recipient(self.account, recipient_id, Problem("recipient not found"))
        return Response(outputs.recipient(contact, list(fields.list_fields(self.account))))

    def delete(self, request: Request, recipient_id: str) -> Response:
        contact = inputs.read_recipient(self.account, recipient_id, Problem("recipient not found"))
        delete_contacts(self.account, [contact.pk])
        return Response(status=204)


@schema.recipients_lists
class RecipientsLists(ContactDatabase):
    answers = {"unknown_contact": Answer(404, None, "recipient id not found")}
    scopes = {"GET": READ}

    def get(self, request: Request, recipient_id: str) -> Response:
        contact = inputs.read_recipient(self.account, recipient_id, Problem("recipient ID is invalid"))
        rows = lists.lists_of(self.account, [contact.pk])[contact.pk]
        return Response({"lists": [outputs.contact_list(each) for each in rows]})


@schema.recipient_count
class RecipientCount(ContactDatabase):
    scopes = {"GET": READ}

    def get(self, request: Request) -> Response:
        return Response({"recipient_count": count_contacts(self.account)})


@schema.billable_count
class BillableCount(RecipientCount):
    """Return the number of all recipients, since nobody is billed."""


# --- custom fields ----------------------------------------------------------------------------------------------------


@schema.custom_fields
class CustomFields(ContactDatabase):
    answers = FIELD_ANSWERS
    scopes = {"POST": CREATE, "GET": READ}

    def get(self, request: Request) -> Response:
        rows = fields.list_fields(self.account)
        return Response({"custom_fields": [outputs.custom_field(each) for each in rows]})

    @done_once
    def post(self, request: Request) -> Response:
        name, type_ = inputs.read_new_field(request)
        return Response(outputs.custom_field(fields.create_field(self.account, name, type_)), status=201)


@schema.one_custom_field
class OneCustomField(ContactDatabase):
    answers = FIELD_ANSWERS
    scopes = {"GET": READ, "DELETE": DELETE}

    def get(self, request: Request, field_id: str) -> Response:
        return Response(outputs.custom_field(fields.find_field(self.account, inputs.read_id(field_id))))

    def delete(self, request: Request, field_id: str) -> Response:
        fields.delete_field(self.account, inputs.read_id(field_id))
        return Response({"message": "Custom Field delete is processing."}, status=202)


@schema.reserved_fields
class ReservedFields(ContactDatabase):
    scopes = {"GET": READ}

    def get(self, request: Request) -> Response:
        return Response({"reserved_fields": outputs.RESERVED_FIELDS})


@schema.status
class Status(ContactDatabase):
    scopes = {"GET": READ}

    def get(self, request: Request) -> Response:
        return Response(outputs.STATUS)


LIST_ID = r"(?P<list_id>[^/\0]{1,200})"
RECIPIENT_ID = r"(?P<recipient_id>[^/\0]{1,700})"
FIELD_ID = r"(?P<field_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^contactdb/lists/?$", Lists.as_view()),
    re_path(rf"^contactdb/lists/{LIST_ID}/?$", OneList.as_view()),
    re_path(rf"^contactdb/lists/{LIST_ID}/recipients/?$", Members.as_view()),
    re_path(rf"^contactdb/lists/{LIST_ID}/recipients/{RECIPIENT_ID}/?$", OneMember.as_view()),
    re_path(r"^contactdb/recipients/?$", Recipients.as_view()),
    re_path(r"^contactdb/recipients/count/?$", RecipientCount.as_view()),
    re_path(r"^contactdb/recipients/billable_count/?$", BillableCount.as_view()),
    re_path(rf"^contactdb/recipients/{RECIPIENT_ID}/?$", OneRecipient.as_view()),
    re_path(rf"^contactdb/recipients/{RECIPIENT_ID}/lists/?$", RecipientsLists.as_view()),
    re_path(r"^contactdb/custom_fields/?$", CustomFields.as_view()),
    re_path(rf"^contactdb/custom_fields/{FIELD_ID}/?$", OneCustomField.as_view()),
    re_path(r"^contactdb/reserved_fields/?$", ReservedFields.as_view()),
    re_path(r"^contactdb/status/?$", Status.as_view()),
]
