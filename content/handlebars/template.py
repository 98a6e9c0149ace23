"""Compile templates, and render them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from content.handlebars.errors import RenderError, TemplateError
from content.handlebars.generate import Generator
from content.handlebars.helpers import HELPERS, REFUSED
from content.handlebars.limits import DEFAULT, Limits, Run
from content.handlebars.parse import parse
from content.handlebars.runtime import Body
from content.handlebars.tree import Literal, Mustache, Path, Program, Text

MAX_SOURCE: Final = 10_000_000


class SimpleTag(NamedTuple):
    """A tag of a template that has no other kinds of tags."""

    source: str
    name: str
    is_escaped: bool
    default: str | None
    """The text for a value that is missing, null or empty; a kept tag has itself as the default."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. Threads may share it."""

    names: frozenset[str] | None
    """The names that the template may read in the top-level context, or None if it reads the whole context."""
    simple_tags: tuple[SimpleTag, ...]
    """The tags in their order, if the template is simple."""
    is_simple: bool
    """The template renders its text unchanged, and a value for each of `simple_tags`."""
    body: Body

    def render(self, data: Mapping[str, Any], *, limits: Limits = DEFAULT) -> str:
        """Return the text for the data, which are values of JSON. Raises RenderError."""
        root = data if data.__class__ is dict else dict(data)
        run = Run(root, limits)
        try:
            self.body(run.out, root, (root, None), None, None, run)
        except RecursionError:
            raise RenderError("The data is nested too deeply.") from None
        return run.text()


def compile_template(source: str, *, kept: Collection[str] = ()) -> Template:
    """Return the template of a source. Raises TemplateError.

    `kept` has names in lower case. A tag with one of these names, in any case, that has no value in the data renders
    as `{{{name}}}` in lower case.
    """
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"the template has more than {MAX_SOURCE:,} characters", source, MAX_SOURCE)
    kept = frozenset(kept)
    root, needs_names = parse(source)
    generator = Generator(source, kept, needs_names)
    body = generator.main(root)
    names = None if generator.names is None else frozenset(generator.names)
    tags = simple_tags(root, source, kept)
    return Template(names, tags or (), tags is not None, body)


def simple_tags(root: Program, source: str, kept: frozenset[str]) -> tuple[SimpleTag, ...] | None:
    """Return the tags of a simple template, or None if there is any other kind of tag."""
    tags: list[SimpleTag] = []
    text: list[str] = []
    for node in root.body:
        if isinstance(node, Text):
            text.append(node.value)
        elif isinstance(node, Mustache) and (tag := simple_tag(node, kept)):
            tags.append(tag)
            text.append(node.source)
        else:
            return None
    # Escaped tags and stripped white space differ from the source.
    return tuple(tags) if "".join(text) == source else None


def simple_tag(node: Mustache, kept: frozenset[str]) -> SimpleTag | None:
    call = node.call
    path: Path = call.path
    default: str | None = None
    if path.is_simple and path.names[0] == "insert" and len(call.arguments) == 2:
        value, literal = call.arguments
        if not (isinstance(value, Path) and isinstance(literal, Literal) and isinstance(literal.value, str)):
            return None
        path, default = value, literal.value.removeprefix("default=")
    elif call.has_arguments or (path.names[:1] and (path.names[0] in HELPERS or path.names[0] in REFUSED)):
        return None
    elif path.names[:1] and path.names[0].lower() in kept:
        default = "{{{" + path.names[0].lower() + "}}}"
    if not path.is_simple or path.is_data:
        return None
    return SimpleTag(node.source, path.names[0], node.is_escaped, default)
