"""Test the numbers that a page may show of the mail of the last minute, whenever it was built."""

from __future__ import annotations

from chaos.over_time import CACHED_SECONDS, MINUTE, Rates


def test_every_number_since_a_page_may_have_been_built_is_allowed() -> None:
    rates = Rates(now=0.0, read_at=0.0)
    rates.add(1116, 10 * MINUTE + 59, batch_id=1)
    rates.add(84, 11 * MINUTE, batch_id=1)
    for until in (11 * MINUTE + second for second in (0.5, 6.5, 14.0, 40.0)):
        least, most = rates.extremes("all", until)
        for tenth in range(int(CACHED_SECONDS * 10) + 1):
            assert least <= rates.at("all", until - tenth / 10) <= most
