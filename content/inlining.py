"""Copy the rules of an HTML text's style elements into its elements. This program is run as a process of its own.

It reads HTML from its standard input and writes HTML to its standard output. Hostile HTML can make a parser take any
time or memory, or overflow its stack, so the process limits itself, and `content/css.py` limits its time.

The tags of templates are hidden from the parser, which would move a text between the rows of a table in front of the
table, and would write `<%` as `&lt;%`. The parts of a `style` attribute that are no declarations are hidden, too, since
css-inline refuses them.
"""

from __future__ import annotations

import re
import resource
import secrets
import sys
from typing import Final

import css_inline

CPU_SECONDS: Final = 5
MEMORY_BYTES: Final = 2**30
"""The most address space of the process."""
LARGEST: Final = 2 * 2**20
"""The most bytes of the result. Rules that many elements share make it larger than the HTML."""
TEMPLATE_TAG: Final = re.compile(
    r"\{\{~?!--(?:[^-]|-(?!-))*+--~?\}\}|\{\{\{[^{}]*+\}\}\}|\{\{[^{}]*+\}\}|<%[^<>%]*+%>|\[%[^\[\]%]*+%\]"
)
VALUE: Final = r"""(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)"""
MARKUP: Final = re.compile(
    r"<!--(?:[^-]|-(?!->))*+(?:-->)?"
    r"|<(style|script|title|textarea|xmp|noscript)\b(?:[^<]|<(?!/\1))*+"
    rf"|</?[a-z][^\s/>]*+(?:[\s/]*+[^\s/>=]++(?:\s*+=\s*+{VALUE})?)*+[\s/]*+>?",
    re.IGNORECASE,
)
"""Everything that is not text between elements: comments, elements without elements in them, and tags."""
STYLE: Final = re.compile(r"(?<=[\s/\"'])(style\s*+=\s*+)(\"[^\"]*+\"|'[^']*+')", re.IGNORECASE)
PIECE: Final = re.compile(r"""(?:"[^"]*+"|'[^']*+'|\([^()]*+\)|&\#?\w+;|[^;])++""")
"""A declaration of a `style` attribute, or what stands in its place. A semicolon may also end a character reference."""
DECLARATION: Final = re.compile(r"\s*+-{0,2}[a-z_][\w-]*+\s*+:[^{}]*+", re.IGNORECASE)


class Hidden:
    """The parts of an HTML text that the parser does not see, and the words that stand for them."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._word = f"t{secrets.token_hex(8)}n"
        self._words = re.compile(rf"{self._word}(\d+)x")
        # A word between attributes was taken for an attribute, and one between declarations was made a declaration.
        self._written = re.compile(rf"<!--{self._word}(\d+)x-->|{self._word}(\d+)x(?:=\"\"|: 0\b)?")

    def hide(self, text: str) -> str:
        """Return the word that stands for a text, which may have such words itself."""
        self._texts.append(self._words.sub(lambda match: self._texts[int(match[1])], text))
        return f"{self._word}{len(self._texts) - 1}x"

    def comment(self, text: str) -> str:
        """Return a text between elements with comments for its words. A table may have comments between its rows."""
        return self._words.sub(r"<!--\g<0>-->", text)

    def show(self, html: str) -> str:
        """Return the HTML with the hidden texts in place of their words."""
        return self._written.sub(lambda match: self._texts[int(match[match.lastindex or 0])], html)


def inline(html: str) -> str:
    """Return the HTML with its rules in `style` attributes. The style elements stay, for media queries and `:hover`."""
    # Nothing is ever loaded, and a link to a style sheet stays.
    inliner = css_inline.CSSInliner(keep_style_tags=True, keep_link_tags=True, load_remote_stylesheets=False)
    hidden = Hidden()
    return hidden.show(inliner.inline(_hide(html, hidden)))


def _hide(html: str, hidden: Hidden) -> str:
    html = TEMPLATE_TAG.sub(lambda match: hidden.hide(match[0]), html)
    pieces, end = [], 0
    for markup in MARKUP.finditer(html):
        is_tag = not markup[1] and not markup[0].startswith("<!--")
        pieces.append(hidden.comment(html[end : markup.start()]))
        pieces.append(STYLE.sub(lambda style: _hide_in_style(style, hidden), markup[0]) if is_tag else markup[0])
        end = markup.end()
    return "".join([*pieces, hidden.comment(html[end:])])


def _hide_in_style(style: re.Match[str], hidden: Hidden) -> str:
    """Return a `style` attribute that has declarations only."""
    quote, value = style[2][0], style[2][1:-1]

    def declared(piece: re.Match[str]) -> str:
        text = piece[0]
        return text if not text.strip() or DECLARATION.fullmatch(text) else f"{hidden.hide(text.strip())}:0"

    return f"{style[1]}{quote}{PIECE.sub(declared, value)}{quote}"


def main() -> int:
    """Inline the standard input. Return 1 if the result is too large."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result = inline(sys.stdin.buffer.read().decode()).encode()
    if len(result) > LARGEST:
        return 1
    sys.stdout.buffer.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
