"""Parse the tokens of a template by the grammar of handlebars.js 4.7, without partials, decorators and raw blocks.

The parser keeps open blocks in a list instead of recursing, and limits the depth of everything that nests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from content.handlebars.errors import TemplateError
from content.handlebars.lexer import CLOSES, Token, tokens
from content.handlebars.strip import strip_block, strip_program
from content.handlebars.tree import (
    Block,
    Call,
    Comment,
    Expression,
    Literal,
    Mustache,
    Node,
    Path,
    Program,
    Strip,
    Text,
)
from content.handlebars.values import UNDEFINED, number_text

MAX_BLOCK_DEPTH: Final = 50
MAX_CALL_DEPTH: Final = 20
MAX_LINKS: Final = 500
MAX_PARTS: Final = 40_000
MAX_TOKENS: Final = 1_000
MAX_PATH: Final = 100
IN_BRACKETS: Final = re.compile(r"\[[^\n\r\u2028\u2029]*\]")
"""Brackets around a line end are a part of the name, as JavaScript's dot does not match it."""
SCOPED: Final = re.compile(r"^\.|this(?![A-Za-z0-9_])")
ESCAPED_IN_BRACKETS: Final = re.compile(r"\\([\\\]])")
NAMES: Final = {"name", "plain_name", "bracketed"}
LITERALS: Final = {"string", "number", "boolean", "undefined", "null"}


@dataclass(slots=True)
class OpenBlock:
    """A block whose end was not read yet."""

    call: Call
    opening: Strip
    program: Program
    is_inverted: bool
    is_chained: bool = False
    """`{{else if}}` began it, and the end of the block around it ends it."""
    inverse: Program | None = None
    inverse_strip: Strip | None = None
    links: int = 0
    """The number of `{{else if}}` before this one."""

    def node(self, close_strip: Strip) -> Block:
        """Return the complete block, in which the white space is stripped."""
        program, inverse = (self.inverse, self.program) if self.is_inverted else (self.program, self.inverse)
        block = Block(self.call, program, inverse, self.opening, self.inverse_strip, close_strip)
        for branch in (program, inverse):
            if branch:
                strip_program(branch, is_root=False)
        strip_block(block)
        return block


def parse(source: str) -> tuple[Program, bool]:
    """Return the tree of a template, and whether any path begins with `..` or with `@`, except for `@root`.

    Raises TemplateError.
    """
    parser = Parser(source)
    root = parser.parse()
    return root, parser.needs_names


@dataclass(slots=True)
class Parser:
    """One pass over the tokens of a template."""

    source: str
    blocks: list[OpenBlock] = field(default_factory=list)
    depth: int = 0
    needs_names: bool = False

    def parse(self) -> Program:
        root = Program()
        parts = 0
        tag: list[Token] = []
        for token in tokens(self.source):
            parts += not tag
            if parts > MAX_PARTS:
                raise self.error(f"the template has more than {MAX_PARTS:,} tags and texts", token.position)
            if token.kind == "text":
                self.body(root).append(Text(token.text, token.text))
            elif token.kind == "comment":
                self.body(root).append(Comment(strip_of(token.text, token.text)))
            elif token.kind != "end":
                tag = self.take_token(token, tag, root)
        if self.blocks:
            opened = self.blocks[-1].call
            raise self.error(f'the block "{opened.path.original}" has no end', opened.position)
        strip_program(root, is_root=True)
        return root

    def error(self, message: str, position: int, helper: str | None = None) -> TemplateError:
        return TemplateError(message, self.source, position, helper)

    def take_token(self, token: Token, tag: list[Token], root: Program) -> list[Token]:
        """Add a token to its tag, take the tag if that is complete, and return the tokens of an incomplete tag."""
        if not tag:
            self.refuse_unsupported(token)
        tag.append(token)
        if len(tag) > MAX_TOKENS:
            raise self.error(f"the tag has more than {MAX_TOKENS:,} parts", tag[0].position)
        if token.kind not in CLOSES:
            return tag
        self.take_tag(Tag(self.source, tag), root)
        return []

    def refuse_unsupported(self, token: Token) -> None:
        """Raise TemplateError if a token begins a tag of an unsupported kind."""
        kind = {"partial": "partials", "open_raw": "raw blocks"}.get(token.kind)
        if token.text.endswith("*"):
            kind = "decorators"
        if kind:
            raise self.error(f"{kind} are not supported", token.position)

    def take_tag(self, tag: Tag, root: Program) -> None:
        if tag.kind in {"open_block", "open_inverse"}:
            self.open_block(tag)
        elif tag.kind == "open_chain":
            self.open_chain(tag)
        elif tag.kind == "inverse":
            self.open_inverse(tag)
        elif tag.kind == "open_end":
            self.close_block(tag, root)
        else:
            self.body(root).append(tag.mustache())
        self.needs_names = self.needs_names or tag.needs_names

    def body(self, root: Program) -> list[Node]:
        """Return the body that is being filled."""
        if not self.blocks:
            return root.body
        block = self.blocks[-1]
        return (block.inverse or block.program).body

    def open_block(self, tag: Tag) -> None:
        call, names, strip = tag.opening()
        self.depth += 1
        if self.depth > MAX_BLOCK_DEPTH:
            raise self.error(f"blocks are nested more than {MAX_BLOCK_DEPTH} deep", tag.position)
        is_inverted = tag.kind == "open_inverse"
        self.blocks.append(OpenBlock(call, strip, Program(block_params=names), is_inverted))

    def block_of_else(self, tag: Tag) -> OpenBlock:
        """Return the block to which an `else` belongs, which has had none."""
        if not self.blocks or self.blocks[-1].inverse:
            raise self.error('unexpected "else"', tag.position)
        return self.blocks[-1]

    def open_inverse(self, tag: Tag) -> None:
        block = self.block_of_else(tag)
        block.inverse, block.inverse_strip = Program(), strip_of(tag.tokens[0].text, tag.tokens[0].text)

    def open_chain(self, tag: Tag) -> None:
        block = self.block_of_else(tag)
        if block.is_inverted:
            raise self.error('a block that begins with "^" has no "else" with a condition', tag.position)
        if block.links == MAX_LINKS:
            raise self.error(f'the block has more than {MAX_LINKS} "else" with a condition', tag.position)
        call, names, strip = tag.opening()
        block.inverse, block.inverse_strip = Program(is_chained=True), strip
        link = OpenBlock(call, strip, Program(block_params=names), is_inverted=False, is_chained=True)
        link.links = block.links + 1
        self.blocks.append(link)

    def close_block(self, tag: Tag, root: Program) -> None:
        """Close a block, and the links of its chain of `{{else if}}`, from the last to the first."""
        path, strip = tag.closing()
        if not self.blocks:
            raise self.error(f'unexpected end of the block "{path.original}"', tag.position)
        is_open = True
        while is_open:
            block = self.blocks.pop()
            is_open = block.is_chained
            if not is_open and block.call.path.original != path.original:
                call = block.call
                message = f'the block "{call.path.original}" ends with "{path.original}"'
                raise self.error(message, call.position)
            # handlebars.js gives the first link of a chain the flags of the end. Every other link keeps its flags.
            is_later_link = block.is_chained and self.blocks[-1].is_chained
            self.body(root).append(block.node(block.opening if is_later_link else strip))
        self.depth -= 1


def strip_of(opening: str, closing: str) -> Strip:
    """Return the flags of a tag that begins and ends with these tokens."""
    return Strip(before=opening[2:3] == "~", behind=closing[-3:-2] == "~")


class Tag:
    """The tokens of one tag, read from left to right."""

    __slots__ = ("index", "needs_names", "source", "tokens")

    def __init__(self, source: str, tag_tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tag_tokens
        self.index = 1
        self.needs_names = False

    @property
    def kind(self) -> str:
        return self.tokens[0].kind

    @property
    def position(self) -> int:
        return self.tokens[0].position

    def error(self, message: str, token: Token) -> TemplateError:
        return TemplateError(message, self.source, token.position)

    def peek(self) -> str:
        """Return the kind of the next token; the last one is always an end of a tag."""
        return self.tokens[self.index].kind

    def next(self, *kinds: str) -> Token:
        """Return the next token, which has one of these kinds. Raises TemplateError."""
        token = self.tokens[self.index]
        if token.kind not in kinds:
            raise self.error(f'unexpected "{token.text}" in a tag', token)
        self.index += 1
        return token

    def mustache(self) -> Mustache:
        call = self.call(depth=0)
        ending = self.next("close_unescaped" if self.kind == "open_unescaped" else "close")
        strip = strip_of(self.tokens[0].text, ending.text)
        end = ending.position + len(ending.text)
        verbatim = "" if strip.before or strip.behind else self.source[self.position : end]
        return Mustache(call, self.kind == "open", strip, verbatim)

    def opening(self) -> tuple[Call, tuple[str, ...], Strip]:
        """Return the call, the block parameters and the strip of a tag that begins a block or a branch."""
        call = self.call(depth=0)
        names: list[str] = []
        if self.peek() == "open_params":
            self.next("open_params")
            names.append(name_of(self.next(*NAMES)))
            while self.peek() in NAMES:
                names.append(name_of(self.next(*NAMES)))
            self.next("close_params")
        ending = self.next("close")
        return call, tuple(names), strip_of(self.tokens[0].text, ending.text)

    def closing(self) -> tuple[Path, Strip]:
        path = self.head()
        ending = self.next("close")
        return path, strip_of(self.tokens[0].text, ending.text)

    def call(self, depth: int) -> Call:
        position = self.tokens[self.index].position
        path = self.head()
        arguments: list[Expression] = []
        named: dict[str, Expression] = {}
        while self.is_argument():
            arguments.append(self.expression(depth))
        while self.is_named():
            key = name_of(self.next(*NAMES))
            self.next("equals")
            named[key] = self.expression(depth)
        return Call(path, arguments, named, position)

    def is_argument(self) -> bool:
        kind = self.peek()
        return kind in LITERALS or kind in {"data", "open_sexpr"} or (kind in NAMES and not self.is_named())

    def is_named(self) -> bool:
        return self.peek() in NAMES and self.tokens[self.index + 1].kind == "equals"

    def head(self) -> Path:
        """Return the path at the begin of a call; a literal there is a name."""
        if self.peek() not in LITERALS:
            return self.path()
        kind, _, position = token = self.tokens[self.index]
        literal = self.literal()
        if kind == "string":
            original = str(literal.value)
        else:
            original = number_text(literal.value) if kind == "number" else token.text
        return Path(original, significant([original]), 0, False, SCOPED.search(original) is not None, position)

    def expression(self, depth: int) -> Expression:
        if self.peek() in LITERALS:
            return self.literal()
        if self.peek() != "open_sexpr":
            return self.path()
        token = self.next("open_sexpr")
        if depth >= MAX_CALL_DEPTH:
            raise self.error(f"parentheses are nested more than {MAX_CALL_DEPTH} deep", token)
        call = self.call(depth + 1)
        self.next("close_sexpr")
        return call

    def literal(self) -> Literal:
        kind, text, position = self.next(*LITERALS)
        if kind == "string":
            return Literal(text[1:-1].replace("\\" + text[0], text[0]), position)
        if kind == "number":
            return Literal(float(text) if "." in text or len(text) > 15 else int(text), position)
        return Literal({"true": True, "false": False, "null": None, "undefined": UNDEFINED}[text], position)

    def path(self) -> Path:
        first, first_index = self.tokens[self.index], self.index
        is_data = self.peek() == "data"
        if is_data:
            self.next("data")
        original, names, depth = "@" if is_data else "", list[str](), 0
        separator = ""
        while True:
            token = self.next(*NAMES)
            name = name_of(token)
            original += separator + name
            if name in {"..", ".", "this"} and name == raw_name_of(token):
                if names:
                    raise self.error(f'invalid path "{original}"', first)
                depth += name == ".."
            else:
                names.append(name)
            if self.index - first_index > 2 * MAX_PATH:
                raise self.error(f"the path has more than {MAX_PATH} parts", first)
            if self.peek() != "separator":
                break
            separator = self.next("separator").text
        if depth or (is_data and names[:1] != ["root"]):
            self.needs_names = True
        return Path(original, significant(names), depth, is_data, SCOPED.search(original) is not None, first.position)


def significant(names: list[str]) -> tuple[str, ...]:
    """Return the names of a path. handlebars.js takes a path that begins with an empty name for `this`."""
    return tuple(names) if names[:1] != [""] else ()


def raw_name_of(token: Token) -> str:
    """Return the text of a name, in its brackets, without the backslashes before brackets."""
    return ESCAPED_IN_BRACKETS.sub(r"\1", token.text) if token.kind == "bracketed" else token.text


def name_of(token: Token) -> str:
    """Return a name without its brackets."""
    raw = raw_name_of(token)
    return raw[1:-1] if IN_BRACKETS.fullmatch(raw) else raw
