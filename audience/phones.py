"""Telephone numbers that identify contacts.

The rule is ITU-T E.164: a plus sign, the country code, and 7 to 15 digits in all. Whether such a number is assigned is
not checked: the numbering plans of the countries change every month.
"""

from __future__ import annotations

import re
from typing import Final

WRITTEN: Final = re.compile(r"\+[1-9](?:[ ()./-]{0,3}[0-9]){6,14}", re.ASCII)
SEPARATORS: Final = re.compile(r"[ ()./-]+")
TRUNK_PREFIX: Final = "(0)"
"""Dialled inside a country only, and no digit of the number."""
PHONE_RULE: Final = "Use the international form, such as +14155550100: a plus sign, the country code, 7 to 15 digits."


def read_phone(text: str) -> str:
    """Return the number as a plus sign and digits. Spaces, hyphens, dots, slashes and parentheses between the digits
    are removed, so that each number has one form. Raises ValueError."""
    if not WRITTEN.fullmatch(text) or TRUNK_PREFIX in text.replace(" ", ""):
        raise ValueError(f"not a telephone number. {PHONE_RULE}")
    return SEPARATORS.sub("", text)
