"""The names of a campaign's missing parts are complete."""

from __future__ import annotations

from api.easymail import proposed
from api.easymail.proposed import missing_of
from campaigns.errors import Need


def test_every_need_has_a_name() -> None:
    assert set(proposed.MISSING) == proposed.NEEDS
    assert {"subject", "content", "sender_identity"} < set(missing_of(list(Need)))
