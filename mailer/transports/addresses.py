"""Addresses that may reach a peer at all: defence in depth, since others are refused much earlier."""

from __future__ import annotations

import re

UNSAFE = re.compile(r"[\x00-\x20\x7f<>\ud800-\udfff]")
"""The characters that could end or split an SMTP command, or that no encoding knows."""


def is_safe_address(address: str) -> bool:
    return UNSAFE.search(address) is None
