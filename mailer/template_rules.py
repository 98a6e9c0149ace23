"""Provide the rules for texts of mail, which delivery knows, to the templates."""

from __future__ import annotations

from typing import Final, NoReturn

from content.errors import InvalidTemplate
from content.versions import TextRules
from mailer.compose.plain_text import plain_text_of
from mailer.compose.system_tags import (
    MAIL_NAMES,
    SYSTEM_NAMES,
    find_system_tags,
    find_unknown_tags,
    line_and_column,
)


def refuse_unresolved(text: str, field: str) -> None:
    """Accept a text of a template without tags that nothing replaces. Raises InvalidTemplate with the place of a tag.

    A tag in braces may get its value from the data of a request.
    """
    for tag in find_system_tags(text):
        if tag.name in SYSTEM_NAMES - MAIL_NAMES and tag.text.startswith("["):
            reason = "mail that is sent with a template has no postal address of its sender"
            _refuse(text, tag.start, f"{tag.text}: {reason}", field=field)
    for unknown_tag in find_unknown_tags(text):
        if not unknown_tag.field:
            _refuse(text, unknown_tag.start, f"{unknown_tag.text}: the tag is not known", field=field)


def _refuse(text: str, start: int, reason: str, *, field: str) -> NoReturn:
    line, column = line_and_column(text, start)
    raise InvalidTemplate(f"{field}: line {line}, column {column}: {reason}", field=field)


RULES: Final = TextRules(plain_text_of=plain_text_of, check=refuse_unresolved, kept_names=MAIL_NAMES)
