"""SendGrid's routes, below /v3. A trailing slash is taken and never redirected, which would lose a POST's body."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.sendgrid import audience_urls, views
from api.sendgrid.views import asm, campaigns, single_sends, statistics, suppression

# Whatever is not of this form is no id, and never reaches a query.
BATCH_ID = r"(?P<batch_id>[^/\0]{1,200})"
KEY_ID = r"(?P<key_id>[^/\0]{1,200})"
BOUNCE_CLASSIFICATIONS = r"classifications(/.*)?"
"""Calls of SendGrid that do not exist here, in the place of an address."""
GROUP_ID = r"(?P<group_id>[0-9]{1,10})"
CAMPAIGN_ID = r"(?P<campaign_id>[^/\0]{1,200})"
SINGLE_SEND_ID = r"(?P<single_send_id>[^/\0]{1,200})"
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
    re_path(rf"^suppression/bounces/{BOUNCE_CLASSIFICATIONS}$", views.not_found),
    re_path(rf"^suppression/bounces/{EMAIL}/?$", suppression.OneBounce.as_view()),
    re_path(r"^suppression/blocks/?$", suppression.Blocks.as_view()),
    re_path(rf"^suppression/blocks/{EMAIL}/?$", suppression.OneBlock.as_view()),
    re_path(r"^suppression/invalid_emails/?$", suppression.InvalidEmails.as_view()),
    re_path(rf"^suppression/invalid_emails/{EMAIL}/?$", suppression.OneInvalidEmail.as_view()),
    re_path(r"^suppression/spam_reports/?$", suppression.SpamReports.as_view()),
    re_path(rf"^suppression/spam_reports/{EMAIL}/?$", suppression.OneSpamReport.as_view()),
    re_path(r"^campaigns/?$", campaigns.Campaigns.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/?$", campaigns.OneCampaign.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/schedules/?$", campaigns.Schedule.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/schedules/now/?$", campaigns.ScheduleNow.as_view()),
    re_path(rf"^campaigns/{CAMPAIGN_ID}/schedules/test/?$", campaigns.ScheduleTest.as_view()),
    re_path(r"^marketing/singlesends/?$", single_sends.SingleSends.as_view()),
    re_path(r"^marketing/singlesends/categories/?$", single_sends.SingleSendCategories.as_view()),
    re_path(r"^marketing/singlesends/search/?$", single_sends.SingleSendSearch.as_view()),
    re_path(rf"^marketing/singlesends/{SINGLE_SEND_ID}/?$", single_sends.OneSingleSend.as_view()),
    re_path(rf"^marketing/singlesends/{SINGLE_SEND_ID}/schedule/?$", single_sends.SingleSendSchedule.as_view()),
    re_path(r"^marketing/test/send_email/?$", single_sends.TestMail.as_view()),
    re_path(r"^marketing/stats/singlesends/?$", statistics.SingleSendStatistics.as_view()),
    re_path(r"^marketing/stats/singlesends/export/?$", statistics.ExportedStatistics.as_view()),
    re_path(rf"^marketing/stats/singlesends/{SINGLE_SEND_ID}/?$", statistics.OneSingleSendsStatistics.as_view()),
    re_path(rf"^marketing/stats/singlesends/{SINGLE_SEND_ID}/links/?$", statistics.LinkStatistics.as_view()),
    *audience_urls.urlpatterns,
    re_path(r"^", views.not_found),
]
