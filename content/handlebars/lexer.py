"""Cut a template into text, comments and the tokens within its tags, by the rules of handlebars.js 4.7.

The rules are those of its `handlebars.l`; the first that matches wins, also where a later one would match more. Each
rule is tried at most once at each position and looks back at nothing, so the time is linear in the template.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

from content.handlebars.errors import TemplateError
from content.handlebars.values import SPACE


class Token(NamedTuple):
    """A piece of a template: its kind, its text, and the position of its first character."""

    kind: str
    text: str
    position: int


UNNAMED: Final = rf"{SPACE}!\"#%-,./;->@\[-\^`\{{-~"
"""The characters that no name has, as a part of a character class."""
BEHIND_NAME: Final = rf"(?=[=~}}{SPACE}/.)|])"
BEHIND_LITERAL: Final = rf"(?=[~}}{SPACE})])"

RULES: Final = (
    ("open_sexpr", r"\("),
    ("close_sexpr", r"\)"),
    ("open_raw", r"\{\{\{\{"),
    ("close_raw", r"\}\}\}\}"),
    ("partial", r"\{\{~?#?>"),
    ("open_block", r"\{\{~?\#\*?"),
    ("open_end", r"\{\{~?/"),
    ("inverse", rf"\{{\{{~?(?:\^[{SPACE}]*|[{SPACE}]*else[{SPACE}]*)~?\}}\}}"),
    ("open_inverse", r"\{\{~?\^"),
    ("open_chain", rf"\{{\{{~?[{SPACE}]*else(?![A-Za-z0-9_])"),
    ("open_unescaped", r"\{\{~?\{"),
    ("open_ampersand", r"\{\{~?&"),
    ("open_comment", r"\{\{~?!"),
    ("open", r"\{\{~?\*?"),
    ("equals", "="),
    ("name", rf"\.\.|\.{BEHIND_NAME}"),
    ("separator", r"[/.]"),
    ("space", rf"[{SPACE}]+"),
    ("close_unescaped", r"\}~?\}\}"),
    ("close", r"~?\}\}"),
    ("string", "[\"']"),
    ("data", "@"),
    ("boolean", rf"(?:true|false){BEHIND_LITERAL}"),
    ("undefined", rf"undefined{BEHIND_LITERAL}"),
    ("null", rf"null{BEHIND_LITERAL}"),
    ("number", rf"-?[0-9]+(?:\.[0-9]+)?{BEHIND_LITERAL}"),
    ("open_params", rf"as[{SPACE}]+\|"),
    ("close_params", r"\|"),
    ("plain_name", rf"[^{UNNAMED}]+{BEHIND_NAME}"),
    ("bracketed", r"\["),
)
RULE: Final = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in RULES))
CLOSING: Final = {'"': '"', "'": "'", "[": "]"}
"""The ends of strings and of names in brackets. The rules above match only their beginnings, without backtracking."""
END_OF_DASHED: Final = re.compile(r"--~?\}\}")
"""Matches the end of a comment that begins with two dashes: that may contain }}."""
CLOSES: Final = {"close", "close_unescaped", "inverse"}


def tokens(source: str) -> Iterator[Token]:
    """Yield the tokens of a template, the last of the kind `end`.

    The kinds `text` and `comment` are pieces outside of tags. Raises TemplateError.
    """
    if (nul := source.find("\0")) >= 0:
        raise TemplateError("the template has a NUL character", source, nul)
    position = 0
    while position < len(source):
        start = source.find("{{", position)
        if start < 0:
            yield Token("text", source[position:], position)
            break
        text = source[position:start]
        is_escaped = text.endswith("\\") and not text.endswith("\\\\")
        if text.endswith("\\"):
            text = text[:-1]
        if text:
            yield Token("text", text, position)
        if is_escaped:
            position = end_of_escaped(source, start)
            yield Token("text", source[start:position], start)
        elif source.startswith(("{{!", "{{~!"), start):
            position = end_of_comment(source, start)
            yield Token("comment", source[start:position], start)
        else:
            position = yield from tokens_of_tag(source, start)
    yield Token("end", "", len(source))


def end_of_escaped(source: str, start: int) -> int:
    """Return the end of the text that an escaped `{{` begins: the next `{{`, with its backslashes."""
    following = source.find("{{", start + 2)
    if following < 0:
        return len(source)
    for _ in range(2):
        if following > start + 2 and source[following - 1] == "\\":
            following -= 1
    return following


def end_of_comment(source: str, start: int) -> int:
    dashed = source.find("!", start) + 1
    if source.startswith("--", dashed):
        match = END_OF_DASHED.search(source, dashed)
        end = match.end() if match else -1
    else:
        end = source.find("}}", dashed) + 2
    if end < dashed:
        raise TemplateError("the comment has no end", source, start)
    return end


def end_of_quoted(source: str, start: int) -> int:
    """Return the end of a string or of a name in brackets, or -1 if it does not end.

    A closing character behind a backslash is a part of the text, unless it is the last one in the template.
    """
    closing = CLOSING[source[start]]
    end = candidate = source.find(closing, start + 1)
    while candidate >= 0 and source[candidate - 1] == "\\":
        end, candidate = candidate, source.find(closing, candidate + 1)
    return max(end, candidate) + 1 or -1


def tokens_of_tag(source: str, start: int) -> Generator[Token, None, int]:
    """Yield the tokens of one tag, and return the position behind it."""
    position = start
    while match := RULE.match(source, position):
        kind, end = str(match.lastgroup), match.end()
        if kind in {"string", "bracketed"} and (end := end_of_quoted(source, position)) < 0:
            break
        if kind != "space":
            yield Token(kind, source[position:end], position)
        position = end
        if kind in CLOSES:
            return position
    if "}}" not in source[position:]:
        raise TemplateError("the tag has no end", source, start)
    raise TemplateError(f'unexpected "{source[position]}" in a tag', source, position)
