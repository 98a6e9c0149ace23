"""SendGrid's routes, below /v3. A trailing slash is taken and never redirected, which would lose a POST's body."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid import views
from api.sendgrid.views import asm, suppression

# Whatever is not of this form is no id, and never reaches a query.
BATCH_ID = r"(?P<batch_id>[^/\0]{1,200})"
KEY_ID = r"(?P<key_id>[^/\0]{1,200})"
GROUP_ID = r"(?P<group_id>[0-9]{1,10})"
EMAIL = r"(?P<email>[^/\0]{1,320}|[^@\0]{1,300}@[^/@\0]{1,300})"
"""A local part may have slashes."""

urlpatterns: list[URLPattern] = [
    re_path(r"^mail/send/?$", views.mail_send),
    re_path(r"^mail/batch/?$", views.MailBatches.as_view()),
    re_path(rf"^mail/batch/{BATCH_ID}/?$", views.MailBatch.as_view()),
    re_path(r"^user/scheduled_sends/?$", views.ScheduledSends.as_view()),
    re_path(rf"^user/scheduled_sends/{BATCH_ID}/?$", views.ScheduledSend.as_view()),
    re_path(r"^api_keys/?$", views.ApiKeys.as_view()),
    re_path(rf"^api_keys/{KEY_ID}/?$", views.OneApiKey.as_view()),
    re_path(r"^scopes/?$", views.Scopes.as_view()),
    re_path(r"^asm/groups/?$", asm.Groups.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/?$", asm.OneGroup.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/suppressions/?$", asm.GroupSuppressions.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/suppressions/search/?$", asm.SearchGroupSuppressions.as_view()),
    re_path(rf"^asm/groups/{GROUP_ID}/suppressions/{EMAIL}/?$", asm.OneGroupSuppression.as_view()),
    re_path(r"^asm/suppressions/?$", asm.Suppressions.as_view()),
    re_path(r"^asm/suppressions/global/?$", asm.GlobalSuppressions.as_view()),
    re_path(rf"^asm/suppressions/global/{EMAIL}/?$", asm.OneGlobalSuppression.as_view()),
    re_path(rf"^asm/suppressions/{EMAIL}/?$", asm.AddressSuppressions.as_view()),
    re_path(r"^suppression/unsubscribes/?$", suppression.Unsubscribes.as_view()),
    re_path(r"^suppression/bounces/?$", suppression.Bounces.as_view()),
    re_path(rf"^suppression/bounces/{EMAIL}/?$", suppression.OneBounce.as_view()),
    re_path(r"^suppression/blocks/?$", suppression.Blocks.as_view()),
    re_path(rf"^suppression/blocks/{EMAIL}/?$", suppression.OneBlock.as_view()),
    re_path(r"^suppression/invalid_emails/?$", suppression.InvalidEmails.as_view()),
    re_path(rf"^suppression/invalid_emails/{EMAIL}/?$", suppression.OneInvalidEmail.as_view()),
    re_path(r"^suppression/spam_reports/?$", suppression.SpamReports.as_view()),
    re_path(rf"^suppression/spam_reports/{EMAIL}/?$", suppression.OneSpamReport.as_view()),
    re_path(r"^", views.not_found),
]
