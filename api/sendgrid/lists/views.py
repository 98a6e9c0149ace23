"""Answer the calls for lists of contacts."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.contacts.outputs import contacts
from api.sendgrid.endpoint import MarketingEndpoint
from api.sendgrid.errors import Answer
from api.sendgrid.lists import inputs, outputs, schema
from api.sendgrid.outputs import page_of
from api.sendgrid.paging import read_page
from api.sendgrid.reading import read_flag
from api.sendgrid.values import LIST_NAME_TAKEN
from audience import lists
from audience.jobs.deletions import begin_deletion_of_list, begin_removal
from audience.models import ContactList

PAGE, HIGHEST_PAGE = 100, 1000


class ListEndpoint(MarketingEndpoint):
    """An endpoint of lists."""

    answers = {
        "unknown_list": Answer(404, "id", "list does not exist"),
        "name_taken": Answer(400, "name", LIST_NAME_TAKEN),
    }

    def find(self, list_id: str) -> ContactList:
        """Return the list that a path names. Raises UnknownList."""
        return lists.find_list(self.account, inputs.read_list_id(list_id))


@schema.lists
class ContactLists(ListEndpoint):
    scopes = needing(POST="create", GET="read")

    def get(self, request: Request) -> Response:
        page = read_page(request, lists.list_lists(self.account), default=PAGE, highest=HIGHEST_PAGE)
        return Response(page_of([outputs.contact_list(request, each) for each in page.rows], page.metadata))

    @done_once
    def post(self, request: Request) -> Response:
        contact_list = lists.create_list(self.account, inputs.read_list_name(request))
        return Response(outputs.contact_list(request, contact_list), status=201)


@schema.one_list
class OneContactList(ListEndpoint):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, list_id: str) -> Response:
        with_sample, contact_list = read_flag(request, "contact_sample"), self.find(list_id)
        body = outputs.contact_list(request, contact_list)
        if with_sample and (sample := lists.contacts_of_list(contact_list, limit=1)):
            body["contact_sample"] = contacts(request, self.account, sample)[0]
        return Response(body)

    def patch(self, request: Request, list_id: str) -> Response:
        contact_list, name = self.find(list_id), inputs.read_list_name(request)
        return Response(outputs.contact_list(request, lists.rename_list(self.account, contact_list.pk, name)))

    def delete(self, request: Request, list_id: str) -> Response:
        with_contacts, contact_list = read_flag(request, "delete_contacts"), self.find(list_id)
        if with_contacts:
            return Response({"job_id": str(begin_deletion_of_list(contact_list).uuid)})
        lists.delete_list(self.account, contact_list.pk)
        return Response(status=204)


@schema.members
class ContactListMembers(ListEndpoint):
    scopes = needing(DELETE="delete")

    def delete(self, request: Request, list_id: str) -> Response:
        """Begin a job that removes contacts from the list. The contacts themselves are kept."""
        job = begin_removal(self.find(list_id), inputs.read_removed(request))
        return Response({"job_id": str(job.uuid)}, status=202)


@schema.count
class ContactListCount(ListEndpoint):
    scopes = needing(GET="read")

    def get(self, request: Request, list_id: str) -> Response:
        count = self.find(list_id).contact_count
        return Response({"contact_count": count, "billable_count": count})


LIST_ID = r"(?P<list_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/lists/?$", ContactLists.as_view()),
    re_path(rf"^marketing/lists/{LIST_ID}/?$", OneContactList.as_view()),
    re_path(rf"^marketing/lists/{LIST_ID}/contacts/?$", ContactListMembers.as_view()),
    re_path(rf"^marketing/lists/{LIST_ID}/contacts/count/?$", ContactListCount.as_view()),
]
