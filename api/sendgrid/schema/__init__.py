"""What the OpenAPI document says of SendGrid's calls (`api/openapi.py` has the words), a module to a family.

To add a call: one value in its family's module, and `@schema.its_name` above its view.
"""

from api.openapi import Piece
from api.sendgrid.schema import (
    asm,
    campaigns,
    contact_files,
    contact_lists,
    contactdb,
    contactdb_segments,
    contacts,
    mail,
    scheduled_sends,
    segments,
    senders,
    single_sends,
    statistics,
    words,
)

FAMILIES = (
    *(words, mail, scheduled_sends, asm, campaigns, single_sends, statistics),
    *(contactdb, contactdb_segments, contacts, contact_lists, contact_files, segments, senders),
)
COMPONENTS: dict[str, Piece] = {name: piece for family in FAMILIES for name, piece in family.COMPONENTS.items()}
PATHS = mail.PATHS
