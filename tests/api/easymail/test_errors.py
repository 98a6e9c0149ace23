"""The names of a campaign's missing parts are complete."""

from __future__ import annotations

from api.easymail import proposed


def test_every_need_has_a_name() -> None:
    assert set(proposed.MISSING) == proposed.NEEDS
    assert {"subject", "content", "sender_identity"} < set(proposed.MISSING.values())
