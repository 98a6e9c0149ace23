"""Define Easymail's routes below /api/v1.

A trailing slash is accepted and never redirected, because a redirect would lose the body of a POST request.
"""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.easymail import views
from api.easymail.views import audience, campaigns, recipients

# A text that is not a UUID is unknown, is named in the answer, and never reaches a query.
CAMPAIGN = r"campaigns/(?P<campaign_id>[^/\0]{1,200})"
CONTACT = r"contacts/(?P<contact_id>[^/\0]{1,200})"
LIST = r"lists/(?P<list_id>[^/\0]{1,200})"
SEGMENT = r"segments/(?P<segment_id>[^/\0]{1,200})"
FIELD = r"custom-fields/(?P<field_key>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^campaigns/?$", campaigns.Campaigns.as_view()),
    re_path(rf"^{CAMPAIGN}/?$", campaigns.OneCampaign.as_view()),
    re_path(rf"^{CAMPAIGN}/send/?$", campaigns.Send.as_view()),
    re_path(rf"^{CAMPAIGN}/test/?$", campaigns.TestMail.as_view()),
    re_path(rf"^{CAMPAIGN}/schedule/?$", campaigns.Schedule.as_view()),
    re_path(rf"^{CAMPAIGN}/unschedule/?$", campaigns.Unschedule.as_view()),
    re_path(rf"^{CAMPAIGN}/cancel/?$", campaigns.Cancel.as_view()),
    re_path(rf"^{CAMPAIGN}/contacts/?$", recipients.CampaignContacts.as_view()),
    re_path(rf"^{CAMPAIGN}/recipients/?$", recipients.Recipients.as_view()),
    re_path(rf"^{CAMPAIGN}/link-clicks/?$", recipients.LinkClicks.as_view()),
    re_path(r"^contacts/?$", audience.Contacts.as_view()),
    re_path(rf"^{CONTACT}/?$", audience.OneContact.as_view()),
    re_path(rf"^{CONTACT}/{FIELD}/items/?$", audience.Items.as_view()),
    re_path(r"^lists/?$", audience.Lists.as_view()),
    re_path(rf"^{LIST}/?$", audience.OneList.as_view()),
    re_path(rf"^{LIST}/contacts/?$", audience.Members.as_view()),
    re_path(rf"^{LIST}/contacts/(?P<contact_id>[^/\0]{{1,200}})/?$", audience.OneMember.as_view()),
    re_path(r"^segments/?$", audience.Segments.as_view()),
    re_path(rf"^{SEGMENT}/?$", audience.OneSegment.as_view()),
    re_path(r"^sender-identities/?$", audience.SenderIdentities.as_view()),
    re_path(r"^custom-fields/?$", audience.CustomFields.as_view()),
    re_path(r"^", views.not_found),
]
