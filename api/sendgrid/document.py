"""Put together the descriptions of SendGrid's calls in the OpenAPI document.

To add a call: one value in the `schema.py` of its family, and `@schema.its_name` above its view.
"""

from __future__ import annotations

from typing import Final

from api.openapi import Piece
from api.sendgrid import words
from api.sendgrid.asm import schema as asm
from api.sendgrid.batches import schema as batches
from api.sendgrid.campaigns import schema as campaigns
from api.sendgrid.contact_files import schema as contact_files
from api.sendgrid.contactdb import schema as contactdb
from api.sendgrid.contactdb_exports import schema as contactdb_exports
from api.sendgrid.contactdb_segments import schema as contactdb_segments
from api.sendgrid.contacts import schema as contacts
from api.sendgrid.designs import schema as designs
from api.sendgrid.event_webhooks import schema as event_webhooks
from api.sendgrid.fields import schema as fields
from api.sendgrid.lists import schema as lists
from api.sendgrid.mail import schema as mail
from api.sendgrid.mail_settings import schema as mail_settings
from api.sendgrid.messages import schema as messages
from api.sendgrid.segments import schema as segments
from api.sendgrid.senders import schema as senders
from api.sendgrid.single_sends import schema as single_sends
from api.sendgrid.statistics import schema as statistics
from api.sendgrid.stats import schema as stats
from api.sendgrid.templates import schema as templates
from api.sendgrid.tracking_settings import schema as tracking_settings
from api.sendgrid.user import schema as user
from api.sendgrid.verified_senders import schema as verified_senders
from api.without_effect import WithoutEffect

FAMILIES = (
    *(words, mail, batches, asm, campaigns, single_sends, statistics),
    *(contactdb, contactdb_segments, contacts, lists, fields, contact_files, segments, senders),
    *(templates, designs, mail_settings, tracking_settings, user, verified_senders, contactdb_exports),
    *(stats, messages, event_webhooks),
)
COMPONENTS: dict[str, Piece] = {name: piece for family in FAMILIES for name, piece in family.COMPONENTS.items()}
PATHS = mail.PATHS
WITHOUT_EFFECT: Final[tuple[WithoutEffect, ...]] = tuple(
    field
    for family in (
        *(mail, campaigns, single_sends, contactdb, contact_files, segments),
        *(templates, designs, mail_settings, tracking_settings, event_webhooks),
    )
    for field in family.WITHOUT_EFFECT
)
"""The fields that are accepted and have no effect on mail (`api/without_effect.py` says how they are used)."""
