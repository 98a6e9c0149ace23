"""Define the texts and codes of results.

Codes up to 7010 are from the original's lists of errors. It has no codes for errors of a send that exists: the codes
from 7050 are Sluice's, in a free part of the same block, as `docs/soap.md` says. The words for the statuses of a send,
which are Sluice's choice, too, are with those of the other APIs (`api/campaign_words.py`).
"""

from __future__ import annotations

import enum
from typing import Final

OK: Final = "OK"
ERROR: Final = "Error"
HAS_ERRORS: Final = "Has Errors"
MORE: Final = "MoreDataAvailable"


class Code(enum.IntEnum):
    """The ErrorCode of a result."""

    EXCEPTION = 2
    CANNOT_PERFORM = 5
    NO_OBJECT = 6
    UNSUPPORTED_TYPE = 8
    NOT_AUTHORIZED = 11
    DATABASE = 13
    RATE_LIMITED = 17

    INVALID_EMAIL = 7000
    EMAIL_REQUIRED = 7001
    LIST_REQUIRED = 7002
    LIST_CREATION = 7003
    EMAIL_PARTNER_KEY = 7005
    EMAIL_NOT_LOADED = 7007
    JOB_CREATION = 7008

    SEND_ID = 7050
    """Sluice's code for an ID that is missing or is not an integer of 31 bits."""
    UNKNOWN_SEND = 7051
    """Sluice's code for an ID that no send of the account has."""
    SEND_STATUS = 7052
    """Sluice's code for a status that does not allow the action, or a stop that could hold nothing back."""
    SEND_DATE = 7053
    """Sluice's code for a SendDate that is not a time, has passed, or is too far ahead."""
    SENDER = 7054
    """Sluice's code for a FromAddress and FromName that no verified sender of the account has."""
    PROPERTY = 7055
    """Sluice's code for a property that cannot be set, or cannot be set to this value."""


SEND_CANCELED: Final = "Send canceled"
SEND_PAUSED: Final = "Send paused"
SEND_RESUMED: Final = "Send resumed"
ALREADY: Final = {SEND_CANCELED: "Send already canceled", SEND_PAUSED: "Send already paused"}
SEND_CREATED: Final = "Created Send."
SEND_UPDATED: Final = "Updated Send."

LOGIN_FAILED: Final = "Login Failed"
TOKEN_EXPIRED: Final = "Token Expired"
UNREADABLE: Final = "Server was unable to read request."
TOO_MANY_REQUESTS: Final = "Too many requests in this minute."
MOST_OBJECTS: Final = 100
"""The most Definitions or Objects of one call: the receipts of that many stops still fit into a header."""
TOO_MANY_OBJECTS: Final = f"A call takes {MOST_OBJECTS} objects at most."
