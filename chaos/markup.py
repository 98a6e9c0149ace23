"""Read the figures of a page, the other texts of it that have numerals, and the ids of its elements.

A figure is an element with the attribute `data-figure`, whose value is the key of what it shows (`stored.py`). A
sentence with several numbers has the attribute `data-figures` with a key for each of them, separated by blanks. Texts
of others, such as replies of peers, are in elements with the attribute `data-text`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from html.parser import HTMLParser

EMPTY = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
"""The elements that have no end tag."""
APART = frozenset(["head", "script", "style", "option", "textarea", "code", "pre", "time"])
"""The elements that show no figures: what people type, choose or copy, and times."""
FIGURES = frozenset({"data-figure", "data-figures"})
ICON = "material-symbols"
"""The class of icons, whose texts are the names of their pictures."""
NUMERAL = re.compile(r"\d")
DEEPEST = 10**6
"""A depth that no element has."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a page: its key, or the keys of a sentence, and its text."""

    key: str
    text: str
    is_sentence: bool = False

    def with_more(self, text: str) -> Figure:
        """Return the figure with more text."""
        return replace(self, text=self.text + text)


class Page(HTMLParser):
    """Collect the figures of a page, each as its keys and its text, all other texts with numerals, and all ids."""

    def __init__(self, body: str) -> None:
        super().__init__()
        self.figures: list[Figure] = []
        self.others: list[str] = []
        self.ids: Counter[str] = Counter()
        """How often each id is used."""
        self.rows = 0
        """The number of rows of its tables, without those of headers."""
        self.scripts: dict[str, str] = {}
        """The data in the page, by the id of its element."""
        self._open: list[str] = []
        self._figure_depth = self._apart_depth = DEEPEST
        self._data_id = ""
        self.feed(body)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if element_id := attributes.get("id"):
            self.ids[element_id] += 1
        if tag in EMPTY:
            return
        self._open.append(tag)
        depth = len(self._open)
        self.rows += tag == "tr" and "tbody" in self._open
        self._data_id = (element_id or "") if tag == "script" else ""
        if tag in APART or "data-text" in attributes or ICON in (attributes.get("class") or ""):
            self._apart_depth = min(self._apart_depth, depth)
        for name in FIGURES.intersection(attributes) if self._figure_depth == DEEPEST else ():
            self.figures.append(Figure(str(attributes[name]), "", is_sentence=name == "data-figures"))
            self._figure_depth = depth

    def handle_data(self, data: str) -> None:
        if self._figure_depth != DEEPEST:
            self.figures[-1] = self.figures[-1].with_more(data)
        elif self._data_id:
            self.scripts[self._data_id] = data
        elif NUMERAL.search(data) and self._apart_depth == DEEPEST:
            self.others.append(" ".join(data.split()))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._open:
            return
        while self._open.pop() != tag:
            pass
        depth = len(self._open)
        self._figure_depth = self._figure_depth if self._figure_depth <= depth else DEEPEST
        self._apart_depth = self._apart_depth if self._apart_depth <= depth else DEEPEST
        self._data_id = ""
