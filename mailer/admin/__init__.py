"""Register the pages of messages, templates, designs, mail settings, unsubscribe groups, and beat's schedule."""

from mailer.admin.content import DesignAdmin, MailSettingsAdmin, TemplateAdmin, TemplateVersionAdmin
from mailer.admin.groups import UnsubscribeGroupAdmin
from mailer.admin.messages import MessageAdmin
from mailer.admin.schedule import PeriodicTaskPage

__all__ = [
    "DesignAdmin",
    "MailSettingsAdmin",
    "MessageAdmin",
    "PeriodicTaskPage",
    "TemplateAdmin",
    "TemplateVersionAdmin",
    "UnsubscribeGroupAdmin",
]
