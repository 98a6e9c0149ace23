"""The models of campaigns, each beside its subject."""

from __future__ import annotations

from campaigns.audience.models import (
    Audience,
    Contact,
    ContactList,
    Engagement,
    FieldDefinition,
    Job,
    JobChunk,
    Membership,
    RejectedRow,
    Segment,
    Sender,
)

__all__ = [
    "Audience",
    "Contact",
    "ContactList",
    "Engagement",
    "FieldDefinition",
    "Job",
    "JobChunk",
    "Membership",
    "RejectedRow",
    "Segment",
    "Sender",
]
