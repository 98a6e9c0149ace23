"""Render Markdown as the HTML and the plain text of a campaign's messages.

The subset is that of mail: headings, bold, italic, links, lists, quotes, code blocks, images and rules. Everything else
that Markdown has (tables, strikethrough, task lists, inline code, raw HTML) is removed together with its content. Merge
tags are not changed, even in the URLs of links.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from content.template_tags import TAG
from mailer.compose.plain_text import plain_text_of
from mailer.compose.system_tags import LINK_NAMES

NOT_OURS: Final = frozenset({"code_inline", "html_inline", "html_block"})
PAIRS: Final = {"table_open": "table_close", "s_open": "s_close"}
TASK: Final = re.compile(r"\[[ xX]\](\s|$)")
SCHEME: Final = re.compile(r"([^/?#:]*):")
SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
BRACKETED: Final = re.compile(rf"(?ai)\[\s*+(?:{'|'.join(sorted(LINK_NAMES))}|Sender_\w+)\s*+\]")
"""Tags in one pair of brackets, which Markdown would read as links."""
MARKUP: Final = re.compile(r"[<>&]")


def render_markdown(text: str) -> tuple[str, str]:
    """Return the HTML and the plain text of a Markdown text; both are empty if nothing can be shown."""
    tags = Tags()
    tokens = list(_without_foreign(_parser().parse(tags.hide(text))))
    html = _parser().renderer.render(tokens, _parser().options, {})
    html = tags.show(html).strip()
    return (html, plain_text_of(html)) if html else ("", "")


class Tags:
    """Replace merge tags with words that have no meaning in Markdown, and put them back after rendering."""

    def __init__(self) -> None:
        self._mark = f"tag{secrets.token_hex(8)}n"
        self._hidden: list[str] = []

    def hide(self, text: str) -> str:
        return BRACKETED.sub(self._hide, TAG.sub(self._hide, text))

    def _hide(self, match: re.Match[str]) -> str:
        # A tag with markup in it would become markup in the result.
        if MARKUP.search(match[0]):
            return match[0]
        self._hidden.append(match[0])
        return f"{self._mark}{len(self._hidden) - 1}e"

    def show(self, html: str) -> str:
        return re.sub(f"{self._mark}([0-9]+)e", lambda match: self._hidden[int(match[1])], html)


@cache
def _parser() -> MarkdownIt:
    return _OurMarkdown("commonmark", {"html": True}).enable(["table", "strikethrough"])


class _OurMarkdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  (the parser's name for it)
        return is_safe_link(url)


def is_safe_link(target: str) -> bool:
    """Return whether a link or an image may lead there: the web, a mailbox, a phone, or a target without a scheme."""
    scheme = SCHEME.match(target)
    return scheme is None or scheme[1].lower() in SCHEMES


def _without_foreign(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the tokens of the subset, at every depth."""
    until, level = "", 0
    for place, token in enumerate(tokens):
        if until:
            if token.type == until and token.level == level:
                until = ""
            continue
        if token.type in NOT_OURS:
            continue
        closing = PAIRS.get(token.type) or ("list_item_close" if _is_task(tokens, place) else "")
        if closing:
            until, level = closing, token.level
            continue
        if token.children is not None:
            token.children = list(_without_foreign(token.children))
        yield token


def _is_task(tokens: Sequence[Token], place: int) -> bool:
    """Return whether an item of a list begins with a check box."""
    if tokens[place].type != "list_item_open":
        return False
    inside = tokens[place + 1 : place + 3]
    return len(inside) == 2 and inside[1].type == "inline" and TASK.match(inside[1].content) is not None
