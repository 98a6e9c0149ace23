"""Tell the templates what delivery knows about the texts of mail."""

from __future__ import annotations

from typing import Final

from content.errors import InvalidTemplate
from content.versions import TextRules
from mailer.compose.plain_text import plain_text_of
from mailer.compose.system_tags import LINK_NAMES, SENDER_NAMES, SYSTEM_NAMES, find_system_tags, line_and_column

OF_MAIL: Final = LINK_NAMES | {"sender_name", "sender_email"}
"""The tags in brackets that every mail has a value for. A mail has no postal address of its sender."""


def refuse_unknown_sender(text: str, field: str) -> None:
    """Accept a text of a template without tags that nothing replaces. Raises InvalidTemplate with the place of a tag.

    A tag in braces may get its value from the data of a request.
    """
    for tag in find_system_tags(text):
        if tag.name in SENDER_NAMES - OF_MAIL and tag.text.startswith("["):
            line, column = line_and_column(text, tag.start)
            reason = "mail that is sent with a template has no postal address of its sender"
            raise InvalidTemplate(f"{field}: line {line}, column {column}: {tag.text}: {reason}", field=field)


RULES: Final = TextRules(plain_text_of=plain_text_of, check=refuse_unknown_sender, kept_names=SYSTEM_NAMES)
