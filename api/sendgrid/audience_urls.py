"""The routes of an audience: what `urls.py` has of contacts, lists, segments, senders."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid.views import contactdb, contactdb_segments

LIST_ID = r"(?P<list_id>[^/\0]{1,200})"
RECIPIENT_ID = r"(?P<recipient_id>[^/\0]{1,700})"
FIELD_ID = r"(?P<field_id>[^/\0]{1,200})"
SEGMENT_ID = r"(?P<segment_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^contactdb/lists/?$", contactdb.Lists.as_view()),
    re_path(rf"^contactdb/lists/{LIST_ID}/?$", contactdb.OneList.as_view()),
    re_path(rf"^contactdb/lists/{LIST_ID}/recipients/?$", contactdb.Members.as_view()),
    re_path(rf"^contactdb/lists/{LIST_ID}/recipients/{RECIPIENT_ID}/?$", contactdb.OneMember.as_view()),
    re_path(r"^contactdb/recipients/?$", contactdb.Recipients.as_view()),
    re_path(r"^contactdb/recipients/count/?$", contactdb.RecipientCount.as_view()),
    re_path(r"^contactdb/recipients/billable_count/?$", contactdb.BillableCount.as_view()),
    re_path(r"^contactdb/recipients/search/?$", contactdb_segments.Search.as_view()),
    re_path(rf"^contactdb/recipients/{RECIPIENT_ID}/?$", contactdb.OneRecipient.as_view()),
    re_path(rf"^contactdb/recipients/{RECIPIENT_ID}/lists/?$", contactdb.RecipientsLists.as_view()),
    re_path(r"^contactdb/custom_fields/?$", contactdb.CustomFields.as_view()),
    re_path(rf"^contactdb/custom_fields/{FIELD_ID}/?$", contactdb.OneCustomField.as_view()),
    re_path(r"^contactdb/reserved_fields/?$", contactdb.ReservedFields.as_view()),
    re_path(r"^contactdb/segments/?$", contactdb_segments.Segments.as_view()),
    re_path(rf"^contactdb/segments/{SEGMENT_ID}/?$", contactdb_segments.OneSegment.as_view()),
    re_path(rf"^contactdb/segments/{SEGMENT_ID}/recipients/?$", contactdb_segments.SegmentMembers.as_view()),
    re_path(r"^contactdb/status/?$", contactdb.Status.as_view()),
]
