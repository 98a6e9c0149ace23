"""Define a call: its caller, its account and its payload."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from accounts.models import Account, ApiKey
from api.caller import actor_of
from api.soap.reading import Element
from campaigns.patience import PATIENCE_SECONDS


@dataclass(slots=True)
class Call:
    """An authenticated request. Its `headers` go into the answer.

    `came_to_nothing` is true if none of its objects could be processed. All its changes together wait for changes of
    other callers until `patient_until` (a value of `time.monotonic`).
    """

    account: Account
    key: ApiKey
    payload: Element
    id: str
    headers: dict[str, str] = field(default_factory=dict)
    came_to_nothing: bool = False
    patient_until: float = field(default_factory=lambda: time.monotonic() + PATIENCE_SECONDS)

    @property
    def actor(self) -> str:
        """Return how receipts name the caller."""
        return actor_of(self.key)
