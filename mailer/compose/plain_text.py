"""Make plain text from HTML for mail without a plain text: the text that a reader of the HTML sees.

Links are placed behind their text, in parentheses. Lists get dashes; scripts and styles are removed. Tags of any kind
in the text, such as `[unsubscribe]`, are left unchanged.
"""

from __future__ import annotations

import re
from typing import Final

from content.template_tags import HiddenTags
from mailer.compose.html_tags import EndTag, StartTag, Text, read_html

UNSEEN: Final = frozenset({"script", "style", "title", "iframe", "noembed", "noframes"})
"""Raw elements whose text is not shown."""
OF_HEAD: Final = frozenset(
    {
        "head",
        "base",
        "basefont",
        "bgsound",
        "link",
        "meta",
        "title",
        "noscript",
        "noframes",
        "style",
        "script",
        "template",
    }
)
"""The elements that can be in a head. Any other tag, or a text, ends it, with its end tag or without (WHATWG HTML,
13.2.6.4.4)."""
PARAGRAPHS: Final = frozenset(
    {"p", "div", "table", "ul", "ol", "blockquote", "section", "article", "header", "footer"}
    | {f"h{level}" for level in range(1, 7)}
)
LINES: Final = frozenset({"br", "tr", "li", "hr"})
BLANKS: Final = re.compile(r"\s+")


class _Reader:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._is_in_head = False
        self._templates = 0
        self._link: tuple[str, int] | None = None
        """The target of an open link, and the number of its first piece."""

    def read(self, part: Text | StartTag | EndTag) -> None:
        if isinstance(part, Text):
            self._read_text(part)
        elif isinstance(part, StartTag):
            self._read_start(part)
        else:
            self._read_end(part.name)

    def _read_text(self, part: Text) -> None:
        if part.inside in UNSEEN or self._templates:
            return
        if self._is_in_head and not part.text.isspace():
            self._is_in_head = False
        if not self._is_in_head:
            self.pieces.append(BLANKS.sub(" ", part.text))

    def _read_start(self, tag: StartTag) -> None:
        name = tag.name
        if name == "template":
            self._templates += 1
        elif name == "head":
            self._is_in_head = True
        elif name not in OF_HEAD:
            self._is_in_head = False
        if self._templates:
            return
        if name in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif name in LINES:
            self.pieces.append("\n- " if name == "li" else "\n")
        elif name == "a":
            self._close_link()
            self._link = (tag.attributes.get("href", ""), len(self.pieces))
        elif name == "img":
            self.pieces.append(tag.attributes.get("alt", ""))

    def _read_end(self, name: str) -> None:
        if name == "template":
            self._templates = max(0, self._templates - 1)
        elif name == "head":
            self._is_in_head = False
        elif self._templates:
            return
        elif name in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif name in {"td", "th"}:
            self.pieces.append(" ")
        elif name == "a":
            self._close_link()

    def _close_link(self) -> None:
        """End an open link. Links are never nested."""
        if self._link is None:
            return
        (target, start), self._link = self._link, None
        label = "".join(self.pieces[start:]).strip()
        if target and target not in (label, f"mailto:{label}") and not target.startswith("#"):
            self.pieces.append(f" ({target})" if label else target)


def plain_text_of(html: str) -> str:
    """Return the text of HTML, with at most one empty line in a row, in time that is linear in its length."""
    reader, tags = _Reader(), HiddenTags(are_compared=True)
    for part in read_html(tags.hide(html)):
        reader.read(part)
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.pieces).split("\n"))
    return tags.show(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip())
