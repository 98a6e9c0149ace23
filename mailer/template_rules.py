"""Tell the templates what delivery knows about the texts of mail."""

from __future__ import annotations

from typing import Final

from content.versions import TextRules
from mailer.compose.plain_text import plain_text_of

RULES: Final = TextRules(plain_text_of=plain_text_of, check=lambda text, field: None)
