"""Answer the calls for segments that are written as queries (segments 2.0)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import URLPattern, re_path
from rest_framework.request import Request
from rest_framework.response import Response

from api.caller import needing
from api.idempotency import done_once
from api.sendgrid.contacts import outputs as contact_outputs
from api.sendgrid.contacts.views import query_words
from api.sendgrid.endpoint import Endpoint
from api.sendgrid.errors import Answer, Refusal
from api.sendgrid.outputs import envelope, metadata_of
from api.sendgrid.reading import read_flag
from api.sendgrid.segments import inputs, outputs, schema
from api.sendgrid.values import LIST_NAME_TAKEN
from audience import segments
from audience.errors import SearchTooSlow
from audience.models import Segment
from audience.query.conditions import Condition
from audience.query.sgql import read_query
from audience.segments import counted

SAMPLE = 50


class SegmentEndpoint(Endpoint):
    """An endpoint of segments. Their errors have no error_id."""

    answers = {
        "unknown_segment": Answer(404, "segment_id", "segment does not exist"),
        "unknown_list": Answer(400, "parent_list_ids", "parent_list_ids do not all exist"),
        "name_taken": Answer(400, "name", LIST_NAME_TAKEN),
        "unknown_field": Answer(400, "query_dsl", "there is no such field"),
    }

    def find(self, segment_id: str) -> Segment:
        """Return the segment that a path names. Raises UnknownSegment."""
        return segments.find_segment(self.account, inputs.read_segment_id(segment_id))

    def read(self, query: str) -> Condition:
        """Return the condition of a query. Raises InvalidQuery."""
        return read_query(query, query_words(self.account), field="query_dsl")

    def answer_with(self, segment: Segment, status: int = 200, *, with_sample: bool = True) -> Response:
        """Answer with a segment, counted, and some of its contacts."""
        (fresh,) = counted([segment])
        return Response(outputs.segment(fresh, self._sample(fresh) if with_sample else []), status=status)

    def _sample(self, segment: Segment) -> list[dict[str, Any]]:
        try:
            contacts = segments.find_matching(self.account, segments.condition_of(segment), limit=SAMPLE)
        except SearchTooSlow:
            return []
        return contact_outputs.contacts(self.request, self.account, contacts)


@schema.segments
class SegmentsByQuery(SegmentEndpoint):
    scopes = needing(POST="create", GET="read")

    def get(self, request: Request) -> Response:
        criteria, rows = inputs.read_filter(request), segments.list_segments(self.account)
        if criteria.ids:
            rows = rows.filter(uuid__in=criteria.ids)
        elif criteria.lists or criteria.without_list:
            of_lists = Q(list__uuid__in=criteria.lists, list__deleted_at=None)
            rows = rows.filter(of_lists | Q(list=None) if criteria.without_list else of_lists)
        lines = [outputs.line(each) for each in counted(rows)]
        return Response({"results": lines, "_metadata": metadata_of(request)})

    @done_once
    def post(self, request: Request) -> Response:
        new = inputs.read_new_segment(request, self.account)
        # A new segment has a name and a query.
        assert new.name is not None
        assert new.query is not None
        segment = segments.create_segment(
            self.account,
            new.name,
            self.read(new.query),
            dialect="sgql",
            written=new.query,
            list_id=new.list_id,
        )
        return self.answer_with(segment, 201)


@schema.one_segment
class OneSegmentByQuery(SegmentEndpoint):
    scopes = needing(GET="read", PATCH="update", DELETE="delete")

    def get(self, request: Request, segment_id: str) -> Response:
        with_sample = "contacts_sample" not in request.query_params or read_flag(request, "contacts_sample")
        return self.answer_with(self.find(segment_id), with_sample=with_sample)

    def patch(self, request: Request, segment_id: str) -> Response:
        segment, change = self.find(segment_id), inputs.read_segment_change(request)
        updated = segments.update_segment(
            self.account,
            segment.pk,
            name=change.name,
            condition=self.read(change.query) if change.query else None,
            written=change.query,
        )
        return self.answer_with(updated)

    def delete(self, request: Request, segment_id: str) -> Response:
        segments.delete_segment(self.account, self.find(segment_id).pk)
        return Response(status=202)


@schema.refresh
class RefreshSegment(SegmentEndpoint):
    scopes = needing(POST="update")

    @done_once
    def post(self, request: Request, segment_id: str) -> Response:
        """Count the segment before answering. The id of the job is the segment's own."""
        segment = self.find(segment_id)
        inputs.check_time_zone(request)
        segments.refresh_segment(segment)
        return Response({"job_id": str(segment.uuid)}, status=202)

    def envelope(self, refusal: Refusal) -> dict[str, Any]:
        """Return the body of a refusal. This call has a special one for unknown segments."""
        if refusal.status == 404:
            return {"error": "Segment does not exist."}
        return envelope(refusal)


SEGMENT_ID = r"(?P<segment_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^marketing/segments/2\.0/?$", SegmentsByQuery.as_view()),
    re_path(rf"^marketing/segments/2\.0/refresh/{SEGMENT_ID}/?$", RefreshSegment.as_view()),
    re_path(rf"^marketing/segments/2\.0/{SEGMENT_ID}/?$", OneSegmentByQuery.as_view()),
]
