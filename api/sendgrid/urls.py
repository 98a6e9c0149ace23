"""SendGrid's routes, below /v3. A trailing slash is taken and never redirected, which would lose a POST's body."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid import views

# Whatever is not of this form is no id, and never reaches a query.
BATCH_ID = r"(?P<batch_id>[^/\0]{1,200})"
KEY_ID = r"(?P<key_id>[^/\0]{1,200})"

urlpatterns: list[URLPattern] = [
    re_path(r"^mail/send/?$", views.mail_send),
    re_path(r"^mail/batch/?$", views.MailBatches.as_view()),
    re_path(rf"^mail/batch/{BATCH_ID}/?$", views.MailBatch.as_view()),
    re_path(r"^user/scheduled_sends/?$", views.ScheduledSends.as_view()),
    re_path(rf"^user/scheduled_sends/{BATCH_ID}/?$", views.ScheduledSend.as_view()),
    re_path(r"^api_keys/?$", views.ApiKeys.as_view()),
    re_path(rf"^api_keys/{KEY_ID}/?$", views.OneApiKey.as_view()),
    re_path(r"^scopes/?$", views.Scopes.as_view()),
    re_path(r"^", views.not_found),
]
