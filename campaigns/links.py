"""Decide which addresses the unsubscribe link of a campaign can lead to."""

from __future__ import annotations

import re
from typing import Final

from campaigns.tags import replace_tags
from mailer.compose.system_tags import SYSTEM_NAMES

URL_LENGTH: Final = 900
"""The largest number of characters of a URL. A header has room for a link of this length."""
URL: Final = re.compile(r"https?://[!-;=?-~]+")
"""An address that can be written between angle brackets in a header."""
URL_RULE: Final = f"an http or https address of at most {URL_LENGTH} visible ASCII characters"


def is_url(text: str) -> bool:
    """Return whether a text is an address of the web, in which system tags may have blanks."""
    without_tags = replace_tags(text, dict.fromkeys(SYSTEM_NAMES, "x"))
    return len(text) <= URL_LENGTH and URL.fullmatch(without_tags) is not None
