"""The calls of `views/audience.py`."""

from __future__ import annotations

from api.easymail.schema.words import MOMENT, UUID
from api.openapi import TEXT, Piece, nullable, record

TAG = "Easymail: audience"
CONTACT: dict[str, Piece] = {
    "uuid": UUID,
    **dict.fromkeys(
        ("email", "first_name", "last_name", "phone", "external_id", "language", "country_code"), nullable(TEXT)
    ),
    **dict.fromkeys(("created_at", "updated_at"), MOMENT),
}
COMPONENTS: dict[str, Piece] = {
    "EasymailContact": record(**CONTACT),
}
