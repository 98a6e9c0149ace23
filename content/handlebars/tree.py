"""Define the parts of a parsed template."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Path:
    """A path such as `../order.total`, `@root.name` or `this`."""

    original: str
    """The path as handlebars.js compares and classifies it: without brackets, with @."""
    names: tuple[str, ...]
    depth: int
    """The number of `..` at the beginning of the path."""
    is_data: bool
    """The path begins with @."""
    is_scoped: bool
    """The path begins with `this` or `.`, so it names neither a helper nor a block parameter."""
    position: int

    @property
    def is_simple(self) -> bool:
        """Return whether the path is a single name, which may be that of a helper."""
        return len(self.names) == 1 and not self.is_scoped and not self.depth


@dataclass(slots=True)
class Literal:
    """A string, a number, true, false, null or undefined."""

    value: Any
    position: int


@dataclass(slots=True)
class Call:
    """A path or literal with the arguments that follow it: in a tag, at the begin of a block, or in parentheses."""

    path: Path
    arguments: list[Expression]
    named: dict[str, Expression]
    position: int

    @property
    def has_arguments(self) -> bool:
        return bool(self.arguments or self.named)


Expression = Path | Literal | Call


@dataclass(slots=True)
class Strip:
    """The flags of a tag that say whether `~` removes the white space before and behind it."""

    before: bool
    behind: bool


@dataclass(slots=True)
class Text:
    """Text between tags. `value` becomes `original` without the white space that tags around it remove."""

    original: str
    value: str
    is_left_stripped: bool = False
    is_right_stripped: bool = False


@dataclass(slots=True)
class Comment:
    """A comment, which renders nothing but may remove the white space around it."""

    strip: Strip


@dataclass(slots=True)
class Mustache:
    """A tag that renders a value."""

    call: Call
    is_escaped: bool
    strip: Strip
    source: str
    """The tag as written, or empty if it strips white space."""


@dataclass(slots=True)
class Program:
    """The content of one branch of a block, or of the whole template."""

    body: list[Node] = field(default_factory=list)
    block_params: tuple[str, ...] = ()
    is_chained: bool = False
    """The program consists of the block that `{{else if}}` begins."""


@dataclass(slots=True)
class Block:
    """A block; `program` or `inverse` may be missing."""

    call: Call
    program: Program | None
    inverse: Program | None
    open_strip: Strip
    inverse_strip: Strip | None
    close_strip: Strip
    is_open_standalone: bool = False
    """The first branch begins with a line break: a begin tag alone on its line removes that line."""
    is_close_standalone: bool = False


Node = Text | Comment | Mustache | Block
