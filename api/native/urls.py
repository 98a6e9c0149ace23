"""Define the native API's routes below /sluice.

A trailing slash is accepted and never redirected, because a redirect would lose the body of a POST request.
"""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.native import views

# A text of another form is not an id, and never reaches a query.
BATCH = r"v1/batches/(?P<batch_id>[A-Za-z0-9_-]{1,64})"
RECEIPT = r"v1/receipts/(?P<receipt_id>[A-Za-z0-9_-]{1,64})"
CAMPAIGN = r"v1/campaigns/(?P<campaign_id>[0-9A-Fa-f-]{1,36})"
KEY = r"v1/keys/(?P<key_id>[A-Za-z0-9_-]{1,64})"
MESSAGE = r"v1/messages/(?P<message_id>[0-9]{1,18})"
ENDPOINT = r"v1/endpoints/(?P<endpoint_id>[0-9A-Fa-f-]{1,36})"
DELIVERY = r"deliveries/(?P<delivery_id>[0-9A-Fa-f-]{1,36})"

urlpatterns: list[URLPattern] = [
    re_path(r"^v1/batches/?$", views.Batches.as_view()),
    re_path(rf"^{BATCH}/?$", views.OneBatch.as_view()),
    re_path(rf"^{BATCH}/messages/?$", views.BatchMessages.as_view()),
    re_path(rf"^{BATCH}/pause/?$", views.PauseBatch.as_view()),
    re_path(rf"^{BATCH}/cancel/?$", views.CancelBatch.as_view()),
    re_path(rf"^{BATCH}/resume/?$", views.ResumeBatch.as_view()),
    re_path(rf"^{BATCH}/reschedule/?$", views.RescheduleBatch.as_view()),
    re_path(r"^v1/campaigns/?$", views.Campaigns.as_view()),
    re_path(rf"^{CAMPAIGN}/?$", views.OneCampaign.as_view()),
    re_path(rf"^{CAMPAIGN}/pause/?$", views.PauseCampaign.as_view()),
    re_path(rf"^{CAMPAIGN}/resume/?$", views.ResumeCampaign.as_view()),
    re_path(rf"^{CAMPAIGN}/cancel/?$", views.CancelCampaign.as_view()),
    re_path(r"^v1/messages/?$", views.MessagesInHand.as_view()),
    re_path(r"^v1/messages/replay/?$", views.ReplayMessages.as_view()),
    re_path(r"^v1/messages/drop/?$", views.DropMessages.as_view()),
    re_path(rf"^{MESSAGE}/?$", views.OneMessage.as_view()),
    re_path(rf"^{MESSAGE}/cancel/?$", views.CancelMessage.as_view()),
    re_path(rf"^{MESSAGE}/reschedule/?$", views.RescheduleMessage.as_view()),
    re_path(r"^v1/events/?$", views.Events.as_view()),
    re_path(r"^v1/endpoints/?$", views.Endpoints.as_view()),
    re_path(rf"^{ENDPOINT}/?$", views.OneEndpoint.as_view()),
    re_path(rf"^{ENDPOINT}/rotate-secret/?$", views.RotateSecret.as_view()),
    re_path(rf"^{ENDPOINT}/enable/?$", views.EnableEndpoint.as_view()),
    re_path(rf"^{ENDPOINT}/replay/?$", views.ReplayEvents.as_view()),
    re_path(rf"^{ENDPOINT}/deliveries/?$", views.Deliveries.as_view()),
    re_path(rf"^{ENDPOINT}/{DELIVERY}/?$", views.OneDelivery.as_view()),
    re_path(rf"^{ENDPOINT}/{DELIVERY}/replay/?$", views.ReplayDelivery.as_view()),
    re_path(r"^v1/receipts/?$", views.Receipts.as_view()),
    re_path(rf"^{RECEIPT}/?$", views.OneReceipt.as_view()),
    re_path(r"^v1/now/?$", views.Now.as_view()),
    re_path(r"^v1/keys/?$", views.Keys.as_view()),
    re_path(rf"^{KEY}/revoke/?$", views.RevokeKey.as_view()),
    re_path(rf"^{KEY}/revocation/?$", views.KeyRevocation.as_view()),
    re_path(r"^v1/account/?$", views.OneAccount.as_view()),
    re_path(r"^v1/account/freeze/?$", views.FreezeAccount.as_view()),
    re_path(r"^v1/account/thaw/?$", views.ThawAccount.as_view()),
    re_path(r"^v1/account/purge/?$", views.PurgeAccount.as_view()),
    re_path(r"^", views.not_found),
]
