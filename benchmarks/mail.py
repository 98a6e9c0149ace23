"""Write the mail of a benchmark: 2 KB of text and HTML, with a name and a number for each recipient.

Placeholders are -name- and -n-, in subject, text and HTML. A contestant without substitutions fills them in with
`fill`, where its users would: when it schedules or when it sends.
"""

from __future__ import annotations

SENDER = "bench@sluice.example"
SUBJECT = "Your order -n-, -name-"
TEXT = "Dear -name-,\n\n" + "Your order -n- has left our house and will be with you in a few days.\n" * 10
HTML = (
    "<html><body><p>Dear -name-,</p>\n"
    + "<p>Your order <b>-n-</b> has left our house, and <i>will be with you</i> in a few days.</p>\n" * 13
    + "</body></html>\n"
)


def recipient(n: int) -> str:
    """Return an address by whose number the sink knows who has got the mail."""
    return f"r{n}@bench.example"


def name(n: int) -> str:
    return f"Name {n}"


def fill(text: str, n: int) -> str:
    """Return the text as recipient `n` is to read it."""
    return text.replace("-name-", name(n)).replace("-n-", str(n))
