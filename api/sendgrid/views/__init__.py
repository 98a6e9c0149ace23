"""SendGrid's endpoints, a module to a family: who asks, what is asked, one call of the core, the answer."""

from api.sendgrid.views.api_keys import ApiKeys, OneApiKey, Scopes
from api.sendgrid.views.base import Endpoint, bad_request, busy, not_found, server_error
from api.sendgrid.views.mail import MailBatch, MailBatches, mail_send
from api.sendgrid.views.scheduled_sends import ScheduledSend, ScheduledSends

__all__ = [
    "ApiKeys",
    "Endpoint",
    "MailBatch",
    "MailBatches",
    "OneApiKey",
    "ScheduledSend",
    "ScheduledSends",
    "Scopes",
    "bad_request",
    "busy",
    "mail_send",
    "not_found",
    "server_error",
]
