"""The routes of an audience: what `urls.py` has of contacts, lists, segments, senders."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid.views import contact_files, contact_lists, contactdb, contactdb_segments, contacts, segments, senders

LIST_ID = r"(?P<list_id>[^/\0]{1,200})"
RECIPIENT_ID = r"(?P<recipient_id>[^/\0]{1,700})"
FIELD_ID = r"(?P<field_id>[^/\0]{1,200})"
SEGMENT_ID = r"(?P<segment_id>[^/\0]{1,200})"
SENDER_ID = r"(?P<sender_id>[^/\0]{1,200})"
CONTACT_ID = r"(?P<contact_id>[^/\0]{1,200})"
JOB_ID = r"(?P<job_id>[^/\0]{1,200})"
IDENTIFIER_TYPE = r"(?P<identifier_type>[^/\0]{1,200})"

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
    re_path(r"^senders/?$", senders.Senders.as_view()),
    re_path(rf"^senders/{SENDER_ID}/?$", senders.OneSender.as_view()),
    re_path(rf"^senders/{SENDER_ID}/resend_verification/?$", senders.ResendVerification.as_view()),
    re_path(r"^marketing/senders/?$", senders.MarketingSenders.as_view()),
    re_path(rf"^marketing/senders/{SENDER_ID}/?$", senders.OneMarketingSender.as_view()),
    re_path(rf"^marketing/senders/{SENDER_ID}/resend_verification/?$", senders.ResendMarketingVerification.as_view()),
    re_path(r"^marketing/contacts/?$", contacts.Contacts.as_view()),
    re_path(r"^marketing/contacts/batch/?$", contacts.ContactBatch.as_view()),
    re_path(r"^marketing/contacts/count/?$", contacts.ContactCount.as_view()),
    re_path(r"^marketing/contacts/search/?$", contacts.ContactSearch.as_view()),
    re_path(r"^marketing/contacts/search/emails/?$", contacts.SearchEmails.as_view()),
    re_path(rf"^marketing/contacts/search/identifiers/{IDENTIFIER_TYPE}/?$", contacts.SearchIdentifiers.as_view()),
    re_path(r"^marketing/contacts/imports/?$", contact_files.Imports.as_view()),
    re_path(rf"^marketing/contacts/imports/{JOB_ID}/?$", contact_files.OneImport.as_view()),
    re_path(r"^marketing/contacts/exports/?$", contact_files.Exports.as_view()),
    re_path(rf"^marketing/contacts/exports/{JOB_ID}/?$", contact_files.OneExport.as_view()),
    re_path(rf"^marketing/contacts/{CONTACT_ID}/?$", contacts.OneContact.as_view()),
    re_path(r"^marketing/lists/?$", contact_lists.ContactLists.as_view()),
    re_path(rf"^marketing/lists/{LIST_ID}/?$", contact_lists.OneContactList.as_view()),
    re_path(rf"^marketing/lists/{LIST_ID}/contacts/?$", contact_lists.ContactListMembers.as_view()),
    re_path(rf"^marketing/lists/{LIST_ID}/contacts/count/?$", contact_lists.ContactListCount.as_view()),
    re_path(r"^marketing/field_definitions/?$", contact_lists.FieldDefinitions.as_view()),
    re_path(rf"^marketing/field_definitions/{FIELD_ID}/?$", contact_lists.OneFieldDefinition.as_view()),
    re_path(r"^marketing/segments/2\.0/?$", segments.SegmentsByQuery.as_view()),
    re_path(rf"^marketing/segments/2\.0/refresh/{SEGMENT_ID}/?$", segments.RefreshSegment.as_view()),
    re_path(rf"^marketing/segments/2\.0/{SEGMENT_ID}/?$", segments.OneSegmentByQuery.as_view()),
]
