"""Lists of contacts, and the fields that contacts have."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.auth import needing
from api.idempotency import done_once
from api.sendgrid.inputs import contacts as inputs
from api.sendgrid.inputs.fields import find_uuid
from api.sendgrid.outputs import contacts as outputs
from api.sendgrid.outputs import marketing
from api.sendgrid.paging import read_page
from api.sendgrid.schema import contact_lists as schema
from api.sendgrid.views.base import MarketingEndpoint
from audience import fields, lists
from audience.errors import UnknownList
from audience.jobs.deletions import begin_deletion_of_list, begin_removal
from audience.models import ContactList, FieldDefinition

PAGE, HIGHEST_PAGE = 100, 1000


class ListEndpoint(MarketingEndpoint):
    """An endpoint of lists."""

    resource = "marketing/lists"

    def find(self, list_id: str) -> ContactList:
        """The list that a path names. Raises UnknownList."""
        uuid = find_uuid(list_id)
        if uuid is None:
            raise UnknownList
        return lists.find_list(self.account, uuid)


@schema.lists
class ContactLists(ListEndpoint):
    scopes = needing(POST="create", GET="read")

    def get(self, request: Request) -> Response:
        page = read_page(request, lists.list_lists(self.account), default=PAGE, highest=HIGHEST_PAGE)
        return Response(marketing.page([outputs.contact_list(request, each) for each in page.rows], page.metadata))

    @done_once
    def post(self, request: Request) -> Response:
        made = lists.create_list(self.account, inputs.read_list_name(request))
        return Response(outputs.contact_list(request, made), status=201)


@schema.one_list
class OneContactList(ListEndpoint):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, list_id: str) -> Response:
        with_sample, found = inputs.read_flag(request, "contact_sample"), self.find(list_id)
        told = outputs.contact_list(request, found)
        if with_sample and (some := lists.contacts_of_list(found, limit=1)):
            told["contact_sample"] = outputs.contacts(request, self.account, some)[0]
        return Response(told)

    def patch(self, request: Request, list_id: str) -> Response:
        found, name = self.find(list_id), inputs.read_list_name(request)
        return Response(outputs.contact_list(request, lists.rename_list(self.account, found.pk, name)))

    def delete(self, request: Request, list_id: str) -> Response:
        with_contacts, found = inputs.read_flag(request, "delete_contacts"), self.find(list_id)
        if with_contacts:
            return Response({"job_id": str(begin_deletion_of_list(found).uuid)})
        lists.delete_list(self.account, found.pk)
        return Response(status=204)


@schema.members
class ContactListMembers(ListEndpoint):
    scopes = needing(DELETE="delete")

    def delete(self, request: Request, list_id: str) -> Response:
        """They stay contacts."""
        job = begin_removal(self.find(list_id), inputs.read_removed(request))
        return Response({"job_id": str(job.uuid)}, status=202)


@schema.count
class ContactListCount(ListEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, list_id: str) -> Response:
        count = self.find(list_id).contact_count
        return Response({"contact_count": count, "billable_count": count})


# --- fields -----------------------------------------------------------------------------------------------------------


class FieldEndpoint(MarketingEndpoint):
    """An endpoint of custom fields."""

    resource = "marketing/field_definitions"


@schema.fields
class FieldDefinitions(FieldEndpoint):
    scopes = needing(POST="create", GET="read")

    def get(self, request: Request) -> Response:
        return Response(
            {
                "custom_fields": [outputs.field(each) for each in fields.list_fields(self.account)],
                "reserved_fields": outputs.reserved_fields(),
                "_metadata": outputs.metadata(request),
            }
        )

    @done_once
    def post(self, request: Request) -> Response:
        """The wire answers 200 here, and not 201."""
        name, type_ = inputs.read_new_field(request)
        return Response(tell_field(request, fields.create_field(self.account, name, type_)))


def tell_field(request: Request, found: FieldDefinition) -> dict[str, object]:
    told = outputs.field(found)
    return {**told, "_metadata": outputs.metadata(request, f"field_definitions/{told['id']}")}


@schema.one_field
class OneFieldDefinition(FieldEndpoint):
    scopes = needing(PATCH="update", DELETE="delete")

    def patch(self, request: Request, field_id: str) -> Response:
        number, name = inputs.read_field(field_id), inputs.read_list_name(request)
        return Response(tell_field(request, fields.rename_field(self.account, number, name)))

    def delete(self, request: Request, field_id: str) -> Response:
        fields.delete_field(self.account, inputs.read_field(field_id))
        return Response(status=204)
