"""Find and replace the tags of one mail: system tags, and the tags that its request or its account chooses.

In a campaign with Handlebars the tags are sealed before the template is compiled: each is replaced by a text that no
data can have. So a tag in the data of a contact is not replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from mailer.compose.links import SUBSCRIPTION, TOKEN, Form
from mailer.compose.system_tags import UNSUBSCRIBE_NAMES, SystemTag, find_system_tags
from mailer.compose.template import LONGEST, TextTooLong

SEAL: Final = "\x01"
"""The character around a sealed tag. Templates may have it; NUL, which no stored text has, is refused in them."""
UNSUBSCRIBE_TAGS: Final = UNSUBSCRIBE_NAMES | {SUBSCRIPTION}
QUOTES: Final = frozenset({'""', "''"})
COMMENT: Final = re.compile(r"(?s)<!(?=--).*?(?:-->|\Z)")
"""A comment of HTML, which may be `<!-->`; without an end it reaches to the end of the text."""


class TagFinder:
    """Find the tags of a mail. Tags that the mail chooses come before system tags."""

    def __init__(self, chosen_tags: Mapping[str, str]) -> None:
        """`chosen_tags` has the names of the tags that the mail chooses, by their texts."""
        self._chosen_tags = chosen_tags
        ordered = sorted(chosen_tags, key=len, reverse=True)
        self._chosen = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        bringable = [tag for tag in ordered if "\0" not in tag]
        self._brought = re.compile("|".join(map(re.escape, bringable))) if bringable else None
        """The tags that a value can have: no stored text has a NUL."""

    def find(self, text: str) -> Iterator[SystemTag]:
        """Yield the tags of a text, in order."""
        at = 0
        for match in self._chosen.finditer(text) if self._chosen else ():
            yield from _shifted(find_system_tags(text[at : match.start()]), at)
            yield SystemTag(match[0], self._chosen_tags[match[0]], match.start())
            at = match.end()
        yield from _shifted(find_system_tags(text[at:]), at) if at else find_system_tags(text)

    @property
    def can_bring_chosen(self) -> bool:
        """Return whether the mail chooses tags that a value can have."""
        return self._brought is not None

    def has_chosen(self, text: str) -> bool:
        """Return whether a stored text has one of the tags that the mail chooses."""
        return self._brought is not None and self._brought.search(text) is not None

    def prepare(self, text: str) -> str:
        """Return a text in the form in which its tags are found."""
        return text

    def has_unsubscribe_link(self, text: str, *, is_html: bool) -> bool:
        """Return whether a text has a tag by which its recipient can unsubscribe. Comments of HTML do not count."""
        visible = COMMENT.sub("", text) if is_html and "<!--" in text else text
        return any(tag.name in UNSUBSCRIBE_TAGS for tag in self.find(visible))

    def replace(self, text: str, forms: Mapping[str, Form], token: str, *, is_html: bool) -> str:
        """Return a text with its tags replaced. Tags without a form stay unchanged. Raises TextTooLong."""
        pieces, at = [], 0
        for tag in self.find(text):
            form, end = forms.get(tag.name), tag.start + len(tag.text)
            if form is not None:
                replacement = form.text_in(is_html=is_html, is_quoted=is_quoted(text, tag))
                pieces += [text[at : tag.start], replacement.replace(TOKEN, token)]
                at = end
        if not pieces:
            return text
        if sum(map(len, pieces)) + len(text) - at > LONGEST:
            raise TextTooLong
        return "".join([*pieces, text[at:]])


def is_quoted(text: str, tag: SystemTag) -> bool:
    """Return whether a tag is between quotes, as the value of an attribute is."""
    end = tag.start + len(tag.text)
    return text[max(tag.start - 1, 0) : tag.start] + text[end : end + 1] in QUOTES


class SealedTagFinder(TagFinder):
    """Find only the tags that `prepare` has sealed."""

    def __init__(self, finder: TagFinder, secret: str) -> None:
        """`finder` finds the tags before they are sealed. Authors of data do not know the word `secret`."""
        super().__init__({})
        self._finder = finder
        self._before = f"{SEAL}{secret}:"
        self._sealed = re.compile(rf"{SEAL}{re.escape(secret)}:([a-z_0-9]++){SEAL}")

    def find(self, text: str) -> Iterator[SystemTag]:
        for match in self._sealed.finditer(text):
            yield SystemTag(match[0], match[1], match.start())

    def prepare(self, text: str) -> str:
        pieces, at = [], 0
        for tag in self._finder.find(text):
            pieces += [text[at : tag.start], self._before, tag.name, SEAL]
            at = tag.start + len(tag.text)
        return "".join([*pieces, text[at:]])


def _shifted(tags: Iterator[SystemTag], by: int) -> Iterator[SystemTag]:
    for tag in tags:
        yield tag._replace(start=tag.start + by)
