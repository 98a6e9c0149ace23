"""Legacy substitutions: every key of a personalization that stands in a text is replaced by its value.

All keys are replaced in one pass, the longest first, so a value that happens to contain another key stays as it is.
Source: SendGrid v3 mail/send, `personalizations[].substitutions`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache


@lru_cache(maxsize=256)
def key_pattern(keys: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern that finds any of `keys`; None when there is none. Cached: a mail's messages share their keys."""
    ordered = sorted((key for key in keys if key), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def substitute(text: str, values: Mapping[str, str]) -> str:
    """`text` with every key of `values` replaced."""
    pattern = key_pattern(tuple(values)) if values else None
    return pattern.sub(lambda found: values[found.group()], text) if pattern else text
