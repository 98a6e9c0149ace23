"""List characters that nobody sees."""

from __future__ import annotations

INVISIBLE = [
    *"\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2061\u2066\u2069\ufeff\ufff9\U000e0001",
    *"\U000e0020\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe0f\uffa0\U000e0100",
    *"\u00a0\u1680\u2003\u2028\u2029\u202f\u3000\x80\x85\u0378\ufdd0\uffff",
]
"""Format characters, other ignorable ones, spaces, controls, and code points that are not assigned."""
