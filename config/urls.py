"""Define every route of the product."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from campaigns.views import show_verification
from config.docs import show_docs, show_document
from config.health import healthz
from mailer.admin.deciding import drop_in_hand, replay_in_hand
from mailer.admin.failures import show_failures
from mailer.admin.in_hand import show_in_hand
from mailer.inbox.views import show_inbox, show_received
from mailer.suppressions.views import show_leaving, show_preferences
from mailer.tracking.views import open_link, show_pixel
from mailer.weblink import show_sent

TOKEN = r"(?P<token>[A-Za-z0-9_-]{43,700})"
TRACKED_LINK = r"(?P<link>[A-Za-z0-9_-]{26,6000})"
TRACKED_MESSAGE = r"(?P<message>[A-Za-z0-9_-]{50})"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz),
    re_path(rf"^u/{TOKEN}/?$", show_leaving, {"everything": False}, name="leave"),
    re_path(rf"^u/{TOKEN}/all/?$", show_leaving, {"everything": True}, name="leave_everything"),
    re_path(rf"^u/{TOKEN}/preferences/?$", show_preferences, name="preferences"),
    re_path(rf"^u/{TOKEN}/view/?$", show_sent, name="weblink"),
    re_path(rf"^c/{TRACKED_LINK}\.{TRACKED_MESSAGE}/?$", open_link, name="tracked_link"),
    re_path(rf"^o/{TRACKED_MESSAGE}\.gif$", show_pixel, name="pixel"),
    re_path(r"^senders/verify/(?P<token>[A-Za-z0-9_:=-]{20,700})/?$", show_verification, name="verify_sender"),
    path("admin/in-hand/", admin.site.admin_view(show_in_hand), name="in_hand"),
    path("admin/in-hand/replay/", admin.site.admin_view(replay_in_hand), name="in_hand_replay"),
    path("admin/in-hand/drop/", admin.site.admin_view(drop_in_hand), name="in_hand_drop"),
    path("admin/mailer/failures/", admin.site.admin_view(show_failures), name="failures"),
    path("admin/inbox/", admin.site.admin_view(show_inbox), name="inbox"),
    path("admin/inbox/<str:name>/", admin.site.admin_view(show_received), name="inbox_message"),
    path("admin/", include("console.urls")),
    path("admin/", admin.site.urls),
    path("docs/", show_docs, name="docs"),
    path("v3/marketing/contacts/", include("api.sendgrid.contact_files.links")),
    path("v3/messages/download/", include("api.sendgrid.messages.links")),
    path("v3/", include("api.sendgrid.urls")),
    path("api/v1/", include("api.easymail.urls")),
    path("sluice/v1/openapi.json", show_document, name="openapi"),
    path("sluice/", include("api.native.urls")),
    path("", include("api.soap.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.forbidden"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
