"""The admin's pages of messages, and of beat's schedule."""

from mailer.admin.messages import MessageAdmin
from mailer.admin.schedule import PeriodicTaskPage

__all__ = ["MessageAdmin", "PeriodicTaskPage"]
