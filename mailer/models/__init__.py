"""Define the models of mail, suppressions, events, counters and bulk actions, one module for each subject."""

from mailer.models.bulk_actions import BulkAction
from mailer.models.counters import Counter, CounterCheck, CounterDelta, EventTally, Measure, Series
from mailer.models.events import (
    REPLY_CLASSES,
    Classification,
    Event,
    EventKind,
    LateEvent,
    LateKind,
    LogNotice,
    OutcomeNotice,
    ReplyClass,
)
from mailer.models.mail import Mail, Message
from mailer.models.suppressions import Suppression, SuppressionKind, UnsubscribeGroup

__all__ = [
    "REPLY_CLASSES",
    "BulkAction",
    "Classification",
    "Counter",
    "CounterCheck",
    "CounterDelta",
    "Event",
    "EventKind",
    "EventTally",
    "LateEvent",
    "LateKind",
    "LogNotice",
    "Mail",
    "Measure",
    "Message",
    "OutcomeNotice",
    "ReplyClass",
    "Series",
    "Suppression",
    "SuppressionKind",
    "UnsubscribeGroup",
]
