"""Copy the rules of an HTML text's style elements into its elements. This program is run as a separate process.

It reads HTML from its standard input and writes HTML to its standard output. Hostile HTML can make a parser take any
time or memory, or overflow its stack, so the process limits itself, and `content/css.py` limits its time.

Its argument is the prefix of the words that stand for the tags of templates. In the text of the HTML they are put into
comments: a parser moves any other text between the rows of a table in front of the table.
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
"""A declaration in a `style` attribute, or another text there. A semicolon may also end a character reference."""
DECLARATION: Final = re.compile(r"\s*+-{0,2}[a-z_][\w-]*+\s*+:[^{}]*+", re.IGNORECASE)


class Styles:
    """The `style` attributes of an HTML text, reduced to declarations: css-inline refuses anything else."""

    def __init__(self) -> None:
        self._prefix = f"p{secrets.token_hex(8)}n"
        self._pieces: list[str] = []

    def hide(self, tag: str) -> str:
        """Return a tag of HTML in which a declaration replaces each piece of its style that is not a declaration."""
        return STYLE.sub(lambda style: f"{style[1]}{style[2][0]}{self._declared(style[2][1:-1])}{style[2][0]}", tag)

    def show(self, html: str) -> str:
        """Return the HTML with the pieces in their places."""
        return re.sub(rf"{self._prefix}(\d+)x: 0\b", lambda match: self._pieces[int(match[1])], html)

    def _declared(self, value: str) -> str:
        return PIECE.sub(lambda piece: self._hide_piece(piece[0]), value)

    def _hide_piece(self, piece: str) -> str:
        if not piece.strip() or DECLARATION.fullmatch(piece):
            return piece
        self._pieces.append(piece.strip())
        return f"{self._prefix}{len(self._pieces) - 1}x:0"


def inline(html: str, prefix: str) -> str:
    """Return the HTML with its rules in `style` attributes. The style elements stay, for media queries and `:hover`."""
    # Nothing is ever loaded, and a link to a style sheet stays.
    inliner = css_inline.CSSInliner(keep_style_tags=True, keep_link_tags=True, load_remote_stylesheets=False)
    styles = Styles()
    return styles.show(inliner.inline(_prepared(html, re.compile(rf"{prefix}\d+x"), styles)))


def _prepared(html: str, words: re.Pattern[str], styles: Styles) -> str:
    pieces, end = [], 0
    for markup in MARKUP.finditer(html):
        is_tag = not markup[1] and not markup[0].startswith("<!--")
        pieces.append(words.sub(r"<!--\g<0>-->", html[end : markup.start()]))
        pieces.append(styles.hide(markup[0]) if is_tag else markup[0])
        end = markup.end()
    return "".join([*pieces, words.sub(r"<!--\g<0>-->", html[end:])])


def main() -> int:
    """Inline the standard input. Return 1 if the result is too large."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    result = inline(sys.stdin.buffer.read().decode(), sys.argv[1]).encode()
    if len(result) > LARGEST:
        return 1
    sys.stdout.buffer.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
