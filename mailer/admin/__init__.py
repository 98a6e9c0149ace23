"""The admin's pages of messages, of unsubscribe groups, and of beat's schedule."""

from mailer.admin.groups import UnsubscribeGroupAdmin
from mailer.admin.messages import MessageAdmin
from mailer.admin.schedule import PeriodicTaskPage

__all__ = ["MessageAdmin", "PeriodicTaskPage", "UnsubscribeGroupAdmin"]
