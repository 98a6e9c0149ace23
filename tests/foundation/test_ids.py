"""Test ids as people and programs outside take them."""

from __future__ import annotations

import re

from foundation.ids import url_safe


def test_an_id_begins_with_a_letter_or_a_digit() -> None:
    for size, length in ((16, 22), (24, 32), (32, 43)):
        ids = {url_safe(size) for _ in range(1000)}
        assert all(re.fullmatch(rf"[A-Za-z0-9][\w-]{{{length - 1}}}", each, re.ASCII) for each in ids), size
