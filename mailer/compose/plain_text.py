"""Plain text from HTML, for mail that has only the one: what a reader of the other sees.

Links stand behind their text, in parentheses; lists get their dashes; scripts and styles go. Tags of any kind in the
text, such as `[unsubscribe]`, stay as they are.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

SKIPPED = frozenset({"script", "style", "head", "title", "template"})
PARAGRAPHS = frozenset(
    {"p", "div", "table", "ul", "ol", "blockquote", "section", "article", "header", "footer"}
    | {f"h{level}" for level in range(1, 7)}
)
LINES = frozenset({"br", "tr", "li", "hr"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._skipping = 0
        self._links: list[tuple[str, int]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in SKIPPED:
            self._skipping += 1
        elif tag in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in LINES:
            self.pieces.append("\n- " if tag == "li" else "\n")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self.pieces)))
        elif tag == "img":
            self.pieces.append(dict(attrs).get("alt") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        elif tag in PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")
        elif tag == "a" and self._links:
            target, start = self._links.pop()
            shown = "".join(self.pieces[start:]).strip()
            if target and target not in (shown, f"mailto:{shown}") and not target.startswith("#"):
                self.pieces.append(f" ({target})" if shown else target)

    def handle_data(self, data: str) -> None:
        if not self._skipping:
            self.pieces.append(re.sub(r"\s+", " ", data))


def plain_text_of(html: str) -> str:
    """What it says, with at most one empty line in a row."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (re.sub(r"[ \t\xa0]+", " ", line).strip() for line in "".join(reader.pieces).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
