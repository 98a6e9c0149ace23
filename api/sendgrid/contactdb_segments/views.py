"""Answer the calls for legacy segments and searches."""

from __future__ import annotations

from typing import Final

from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.idempotency import done_once
from api.sendgrid.contactdb import outputs as contactdb_outputs
from api.sendgrid.contactdb.inputs import HIGHEST_PAGE, read_flag, read_id, read_page
from api.sendgrid.contactdb.views import CREATE, DELETE, READ, UPDATE, ContactDatabase
from api.sendgrid.contactdb_segments import inputs, outputs, schema
from api.sendgrid.errors import Answer, Answers
from api.sendgrid.values import LIST_NAME_TAKEN
from audience import segments
from audience.fields import list_fields
from audience.jobs.deletions import begin_deletion_of_segment
from audience.segments import counted

ANSWERS: Final[Answers] = {
    "unknown_segment": Answer(404, None, "segment_id not found"),
    "unknown_list": Answer(400, "list_id", inputs.INVALID_LIST),
    "invalid_name": Answer(400, "name", "the name is not valid"),
    "name_taken": Answer(400, "name", LIST_NAME_TAKEN),
    "unknown_field": Answer(400, "field", "there is no such field"),
    "DELETE unknown_segment": Answer(404, "segment_id", "segment_id does not exist"),
}


@schema.segments
class Segments(ContactDatabase):
    bad_json = inputs.BAD_JSON
    answers = ANSWERS
    scopes = {"POST": CREATE, "GET": READ}

    def get(self, request: Request) -> Response:
        rows = counted(segments.list_segments(self.account))
        return Response({"segments": [outputs.segment(each) for each in rows]})

    @done_once
    def post(self, request: Request) -> Response:
        new = inputs.read_new_segment(request, self.account)
        # A new segment has a name and a condition.
        assert new.name is not None
        assert new.condition is not None
        segment = segments.create_segment(
            self.account,
            new.name,
            new.condition,
            dialect="legacy",
            written=new.written,
            list_id=new.list_id,
        )
        return Response(outputs.segment(segment))


@schema.one_segment
class OneSegment(ContactDatabase):
    bad_json = inputs.BAD_JSON
    answers = ANSWERS
    scopes = {"GET": READ, "PATCH": UPDATE, "DELETE": DELETE}

    def get(self, request: Request, segment_id: str) -> Response:
        segment = segments.find_segment(self.account, read_id(segment_id))
        return Response(outputs.segment(counted([segment])[0]))

    def patch(self, request: Request, segment_id: str) -> Response:
        number, change = read_id(segment_id), inputs.read_segment_change(request, self.account)
        segment = segments.update_segment(
            self.account,
            number,
            name=change.name,
            condition=change.condition,
            written=change.written,
            list_id=change.list_id,
        )
        return Response(outputs.segment(counted([segment])[0]))

    def delete(self, request: Request, segment_id: str) -> Response:
        number, with_contacts = read_id(segment_id), read_flag(request)
        if with_contacts:
            begin_deletion_of_segment(segments.find_segment(self.account, number))
        segments.delete_segment(self.account, number)
        return Response(status=204)


@schema.segment_members
class SegmentMembers(ContactDatabase):
    answers = ANSWERS
    scopes = {"GET": READ}

    def get(self, request: Request, segment_id: str) -> Response:
        offset, limit = read_page(request)
        condition = segments.condition_of(segments.find_segment(self.account, read_id(segment_id)))
        return self.answer_with_page(
            segments.find_matching(self.account, condition, offset=offset, limit=limit), offset
        )


@schema.search
class Search(ContactDatabase):
    """Return up to a thousand recipients. A search has no pages."""

    bad_json = inputs.BAD_JSON
    answers = {"unknown_list": Answer(400, "list_id", inputs.INVALID_LIST)}

    scopes = {"GET": READ, "POST": READ}

    def get(self, request: Request) -> Response:
        condition = inputs.read_search_parameters(request, self.account)
        return self.answer_with(segments.find_matching(self.account, condition, limit=HIGHEST_PAGE))

    @done_once
    def post(self, request: Request) -> Response:
        condition = inputs.read_search(request, self.account)
        contacts = segments.find_matching(self.account, condition, limit=HIGHEST_PAGE)
        count = segments.count_matching(self.account, condition)
        body = contactdb_outputs.recipients(contacts, list(list_fields(self.account)))
        return Response({**body, "recipient_count": count})


SEGMENT_ID = r"(?P<segment_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^contactdb/recipients/search/?$", Search.as_view()),
    re_path(r"^contactdb/segments/?$", Segments.as_view()),
    re_path(rf"^contactdb/segments/{SEGMENT_ID}/?$", OneSegment.as_view()),
    re_path(rf"^contactdb/segments/{SEGMENT_ID}/recipients/?$", SegmentMembers.as_view()),
]
