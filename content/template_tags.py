"""Hide the tags of templates from programs that read HTML.

A tag may have quotes, which would end an attribute, and characters that an HTML parser moves or rewrites. While a
program reads the HTML, unique words take the places of the tags.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

TAG: Final = re.compile(
    r"\{\{~?!--(?:[^-]|-(?!-))*+--~?\}\}|\{\{\{[^{}]*+\}\}\}|\{\{[^{}]*+\}\}|<%[^<>%]*+%>|\[%[^\[\]%]*+%\]"
)
"""A tag of Handlebars, of legacy templates or of legacy campaigns. An unfinished tag is read only once."""


class HiddenTags:
    """The tags that are hidden, and the words that stand for them: `prefix`, a number and an x.

    Tags that are the same have different words, since an element may not have an attribute twice, or one word if
    texts are to be compared.
    """

    def __init__(self, *, are_compared: bool = False) -> None:
        self.prefix = f"t{secrets.token_hex(8)}n"
        self._tags: list[str] = []
        self._are_compared = are_compared
        self._words: dict[str, str] = {}
        self._word = re.compile(rf"{self.prefix}(\d+)x")

    def hide(self, text: str) -> str:
        """Return the text with a word in place of each tag."""
        return TAG.sub(self._hide_tag, text)

    def show(self, text: str) -> str:
        """Return the text with the tags in place of their words."""
        return self._word.sub(lambda match: self._tags[int(match[1])], text)

    def _hide_tag(self, match: re.Match[str]) -> str:
        tag = match[0]
        if tag not in self._words or not self._are_compared:
            self._words[tag] = f"{self.prefix}{len(self._tags)}x"
            self._tags.append(tag)
        return self._words[tag]
