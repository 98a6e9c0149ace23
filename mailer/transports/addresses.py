"""Which addresses may reach a wire at all: defence in depth, the callers refuse the others much earlier."""

from __future__ import annotations

import re

UNSAFE = re.compile(r"[\x00-\x20\x7f<>\ud800-\udfff]")
"""What could end or split an SMTP command, and what no encoding knows."""


def is_safe_address(address: str) -> bool:
    return UNSAFE.search(address) is None
