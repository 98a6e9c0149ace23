"""The models of the audience and of its jobs, one module for each subject."""

from audience.models.contacts import (
    COUNTED_KINDS,
    IDENTIFIERS,
    TEXT_FIELDS,
    Audience,
    Contact,
    ContactList,
    Engagement,
    EngagementKind,
    FieldDefinition,
    FieldForm,
    FieldType,
    LastTimes,
    Membership,
    Segment,
)
from audience.models.jobs import (
    Job,
    JobChunk,
    JobKind,
    JobStatus,
    JobTurn,
    RejectedRow,
)

__all__ = [
    "COUNTED_KINDS",
    "IDENTIFIERS",
    "TEXT_FIELDS",
    "Audience",
    "Contact",
    "ContactList",
    "Engagement",
    "EngagementKind",
    "FieldDefinition",
    "FieldForm",
    "FieldType",
    "Job",
    "JobChunk",
    "JobKind",
    "JobStatus",
    "JobTurn",
    "LastTimes",
    "Membership",
    "RejectedRow",
    "Segment",
]
