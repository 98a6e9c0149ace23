"""Decide which characters a caller's text may have, whichever API it comes from.

A *text* may be merged into a body: it has no control characters except tab, LF and CR. A *line* may be merged into a
header or shown in one row: it has no end of a line either. NEL (U+0085), U+2028 and U+2029 end a line according to
Unicode (UAX 14) and `str.splitlines()`, and so for many programs that read mail. They could read
a line with such a character as two lines.
"""

from __future__ import annotations

import re
from typing import Final

from foundation.errors import UnfitCharacter

NOT_IN_LINE: Final = r"\x00-\x08\x0a-\x1f\x7f\x85\u2028\u2029"
"""A part of a character class, in the syntax that Python, Rust (pydantic) and ECMA-262 (JSON Schema) share."""
NOT_IN_TEXT: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
SURROGATES: Final = r"\ud800-\udfff"
"""PostgreSQL and UTF-8 cannot store them; a JSON parser refuses them earlier."""
UNFIT_FOR_LINE: Final = re.compile(f"[{NOT_IN_LINE}{SURROGATES}]")
UNFIT_FOR_TEXT: Final = re.compile(f"[{NOT_IN_TEXT}{SURROGATES}]")

LINE_RULE: Final = "control characters and line breaks are not allowed"
TEXT_RULE: Final = "control characters other than tab, LF and CR are not allowed"


def has_nul(body: bytes) -> bool:
    """Return whether a string in a JSON text has a NUL, which PostgreSQL cannot store.

    That is the escape u0000 behind a backslash that is not escaped itself. Two plain searches are used, because a
    regular expression that counts backslashes needs 34 times the memory of the body.
    """
    return b"\\u0000" in body and b"\\u0000" in body.replace(b"\\\\", b"__")


def is_line(value: str) -> bool:
    """Return whether the value can be merged into a header."""
    return value.isprintable() or UNFIT_FOR_LINE.search(value) is None


def is_text(value: str) -> bool:
    """Return whether the value can be merged into a body."""
    return value.isprintable() or UNFIT_FOR_TEXT.search(value) is None


def check_line(value: str, *, field: str) -> None:
    """Accept a value that can be merged into a header. Raises UnfitCharacter."""
    if not is_line(value):
        raise _refusal(value, UNFIT_FOR_LINE, LINE_RULE, field)


def check_text(value: str, *, field: str) -> None:
    """Accept a value that can be merged into a body. Raises UnfitCharacter."""
    if not is_text(value):
        raise _refusal(value, UNFIT_FOR_TEXT, TEXT_RULE, field)


def _refusal(value: str, unfit: re.Pattern[str], rule: str, field: str) -> UnfitCharacter:
    match = unfit.search(value)
    assert match is not None
    return UnfitCharacter(f"{field} holds U+{ord(match[0]):04X}: {rule}", field=field)
