"""Answer the calls for contacts, lists and their members, segments, identities and custom fields."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.easymail import outputs, schema
from api.easymail.errors import NOT_FOUND, Refusal, selected
from api.easymail.field_keys import find_by_key
from api.easymail.inputs import audience as inputs
from api.easymail.inputs import queries
from api.easymail.views.base import Endpoint, path_uuid
from api.idempotency import done_once
from audience.contacts import (
    add_item,
    create_contact,
    delete_contacts,
    find_contact,
    members_of,
    put_on_list,
    remove_item,
    search_contacts,
    update_contact,
)
from audience.errors import UnknownContact, UnknownField, UnknownList, UnknownSegment
from audience.fields import create_field
from audience.lists import LONGEST_NAME, create_list, delete_list, find_list, list_lists, remove_from_list, update_list
from audience.models import Contact, ContactList, FieldDefinition
from audience.segments import counted, find_segment, list_segments
from campaigns.senders import list_verified


class AudienceEndpoint(Endpoint):
    """An endpoint below contacts or lists."""

    resource = "audience"

    def contact_of(self, contact_id: str) -> Contact:
        """Return the contact that a path names. Raises UnknownContact."""
        return find_contact(self.account, path_uuid(contact_id, UnknownContact))

    def list_of(self, list_id: str) -> ContactList:
        """Return the list that a path names. Raises UnknownList."""
        return find_list(self.account, path_uuid(list_id, UnknownList))


@schema.audience.contacts
class Contacts(Endpoint):
    resource = "contacts"
    scopes = needing(GET="read", POST="create")

    def get(self, request: Request) -> Response:
        query = queries.read_query(queries.ContactSearch, request)
        list_uuid, search = query.list_uuid, query.search or ""
        try:
            contact_list = find_list(self.account, list_uuid) if list_uuid else None
        except UnknownList:
            raise selected("list_uuid") from None
        contacts, total = search_contacts(self.account, query.page, search=search, contact_list=contact_list)
        return Response(outputs.page(map(outputs.contact, contacts), query, total))

    @done_once
    def post(self, request: Request) -> Response:
        columns, lists = inputs.read_new_contact(request)
        try:
            contact = create_contact(self.account, columns, list_ids=lists)
        except UnknownList:
            raise selected("contact_lists") from None
        return Response(outputs.envelope(outputs.contact(contact)), status=201)


@schema.audience.one_contact
class OneContact(AudienceEndpoint):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, contact_id: str) -> Response:
        return Response(outputs.envelope(outputs.contact(self.contact_of(contact_id))))

    def patch(self, request: Request, contact_id: str) -> Response:
        contact = self.contact_of(contact_id)
        change = inputs.read_contact_change(request, self.account, contact.email)
        changed = update_contact(self.account, contact.uuid, change.columns, custom=change.custom)
        return Response(outputs.envelope(outputs.contact(changed)))

    def delete(self, request: Request, contact_id: str) -> Response:
        if not delete_contacts(self.account, [self.contact_of(contact_id).pk]):
            raise UnknownContact
        return Response(status=204)


@schema.audience.lists
class Lists(Endpoint):
    resource = "lists"
    scopes = needing(GET="read", POST="create")

    def get(self, request: Request) -> Response:
        query = queries.read_query(queries.Search, request)
        lists = list_lists(self.account, search=query.search or "").order_by("-pk")
        rows, total = query.take(lists)
        return Response(outputs.page(map(outputs.contact_list, rows), query, total))

    @done_once
    def post(self, request: Request) -> Response:
        fields = inputs.read_new_list(request)
        return Response(
            outputs.envelope(outputs.contact_list(create_list(self.account, longest=LONGEST_NAME, **fields))),
            status=201,
        )


@schema.audience.one_list
class OneList(AudienceEndpoint):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, list_id: str) -> Response:
        return Response(outputs.envelope(outputs.contact_list(self.list_of(list_id))))

    def patch(self, request: Request, list_id: str) -> Response:
        contact_list = self.list_of(list_id)
        changed = update_list(self.account, contact_list.uuid, inputs.read_list_change(request))
        return Response(outputs.envelope(outputs.contact_list(changed)))

    def delete(self, request: Request, list_id: str) -> Response:
        delete_list(self.account, path_uuid(list_id, UnknownList))
        return Response(status=204)


@schema.audience.members
class Members(AudienceEndpoint):
    scopes = needing(GET="read", POST="update")

    def get(self, request: Request, list_id: str) -> Response:
        contact_list, query = self.list_of(list_id), queries.read_query(queries.Query, request)
        members = map(outputs.member, members_of(contact_list, query.page))
        return Response(outputs.page(members, query, contact_list.contact_count))

    @done_once
    def post(self, request: Request, list_id: str) -> Response:
        contact_list, contact_id = self.list_of(list_id), inputs.read_member(request)
        try:
            contact = find_contact(self.account, contact_id)
        except UnknownContact:
            raise selected("contact_uuid") from None
        if not put_on_list(contact, contact_list):
            message = f"Contact '{contact_id}' is already in list '{contact_list.uuid}'"
            raise Refusal(409, "DUPLICATE_RESOURCE", message)
        return Response(status=204)


@schema.audience.one_member
class OneMember(AudienceEndpoint):
    scopes = needing(DELETE="update")

    def delete(self, request: Request, list_id: str, contact_id: str) -> Response:
        contact_list, contact = self.list_of(list_id), self.contact_of(contact_id)
        if not remove_from_list(self.account, contact_list.pk, [contact.pk]):
            raise Refusal(404, NOT_FOUND, f"Contact '{contact.uuid}' is not in list '{contact_list.uuid}'")
        return Response(status=204)


@schema.audience.segments
class Segments(Endpoint):
    resource = "segments"
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        query = queries.read_query(queries.Search, request)
        segments = list_segments(self.account).filter(name__icontains=query.search or "").order_by("-pk")
        rows, total = query.take(segments)
        return Response(outputs.page(map(outputs.segment, counted(rows)), query, total))


@schema.audience.one_segment
class OneSegment(Endpoint):
    resource = "segment"
    scopes = needing(GET="read")

    def get(self, request: Request, segment_id: str) -> Response:
        segment = find_segment(self.account, path_uuid(segment_id, UnknownSegment))
        return Response(outputs.envelope(outputs.segment(counted([segment])[0])))


@schema.audience.identities
class SenderIdentities(Endpoint):
    """The verified senders. The others are not listed, although a campaign may name one."""

    resource = "sender identities"
    scopes = needing(GET="read")

    def get(self, request: Request) -> Response:
        query = queries.read_query(queries.Query, request)
        enabled = list_verified(self.account).order_by("from_email", "pk")
        rows, total = query.take(enabled)
        return Response(outputs.page(map(outputs.identity, rows), query, total))


@schema.audience.custom_fields
class CustomFields(Endpoint):
    resource = "custom fields"
    scopes = needing(POST="create")

    @done_once
    def post(self, request: Request) -> Response:
        new = inputs.read_new_field(request)
        field = create_field(self.account, new.name, new.type, **new.shape)
        return Response(outputs.envelope(outputs.custom_field(field)), status=201)


@schema.audience.items
class Items(AudienceEndpoint):
    resource = "item"
    scopes = needing(POST="update", DELETE="update")

    @done_once
    def post(self, request: Request, contact_id: str, field_key: str) -> Response:
        contact, field = self.contact_of(contact_id), self.field_of(field_key)
        values = add_item(self.account, contact.uuid, field, inputs.read_item(request, field))
        return Response(outputs.envelope(outputs.items(field, values)))

    def delete(self, request: Request, contact_id: str, field_key: str) -> Response:
        contact, field = self.contact_of(contact_id), self.field_of(field_key)
        values = remove_item(self.account, contact.uuid, field, inputs.read_item(request, field))
        return Response(outputs.envelope(outputs.items(field, values)))

    def field_of(self, field_key: str) -> FieldDefinition:
        """Return the custom field that a path names. Raises UnknownField."""
        field = find_by_key(self.account, field_key)
        if field is None:
            raise UnknownField
        return field
