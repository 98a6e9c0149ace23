"""Generate Python functions from the tree of a template.

Each branch of a block becomes a function, so that the generated code nests no deeper than a few levels, whatever the
template does. Nothing that an author wrote becomes code: texts and names are constants (`t0`, `t1`, …) in the globals
of the functions. The code is compiled in pieces of limited size, so that memory does not grow with the template.

In the generated code, `o` is the output, `c` the context, `d` the depths, `f` the frame of the data variables, `b` the
block parameters and `r` the run (see `runtime.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from content.handlebars import runtime, values
from content.handlebars.dates import format_date, zone_of
from content.handlebars.errors import RenderError, TemplateError
from content.handlebars.helpers import COMPARISONS, HELPERS, REFUSED
from content.handlebars.runtime import Body
from content.handlebars.tree import Block, Call, Expression, Literal, Mustache, Node, Path, Program, Text

PIECES_PER_STATEMENT: Final = 40
STATEMENTS_PER_FUNCTION: Final = 200
LINES_PER_UNIT: Final = 2_000
SIGNATURE: Final = "(o, c, d, f, b, r)"
GLOBALS: Final[dict[str, Any]] = {
    "__builtins__": {},
    "e": runtime.escaped,
    "s": runtime.raw,
    "insert": runtime.insert,
    "shown": runtime.is_shown,
    "above": runtime.context_above,
    "data": runtime.data_variable,
    "each": runtime.each,
    "each_with_names": runtime.each_with_names,
    "each_with_params": runtime.each_with_params,
    "section": runtime.section,
    "nothing": runtime.nothing,
    "N": runtime.NULL_CONTEXT,
    "U": values.UNDEFINED,
    "look": values.look_up,
    "walk": values.walk,
    "walk_truthy": values.walk_truthy,
    "truthy": values.is_truthy,
    "length": values.length,
    "equal": values.is_equal,
    "less": values.is_less,
    "date": format_date,
    "dict": dict,
}


class Scope(NamedTuple):
    """The facts that are known about the context in which a piece of a template is rendered."""

    is_top: bool = True
    """The context is the top-level context, which is an object."""
    may_be_top: bool = True
    """The context is the top-level one for some data: a section whose value is true does not change the context."""
    params: tuple[tuple[str, ...], ...] = ()
    """The names of block parameters, the innermost first."""

    def inner(self, names: tuple[str, ...]) -> Scope:
        """Return the scope within an iteration."""
        return Scope(False, False, (names, *self.params) if names else self.params)


@dataclass(slots=True)
class Generator:
    """The generation of one template."""

    source: str
    kept: frozenset[str]
    needs_names: bool
    """Any path begins with `..`, or with `@` and not `@root`."""
    names: set[str] | None = field(default_factory=set)
    globals: dict[str, Any] = field(default_factory=lambda: dict(GLOBALS))
    constants: dict[Any, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    functions: int = 0

    def main(self, root: Program) -> Body:
        """Return the function that renders the template."""
        name, _ = self.function(root, Scope())
        self.flush()
        main: Body = self.globals[name]
        return main

    def flush(self) -> None:
        """Compile the lines that were generated since the last time."""
        exec(compile("\n".join(self.lines), "<template>", "exec"), self.globals)
        self.lines = []

    def constant(self, value: Any) -> str:
        """Return the name of a constant."""
        key = (type(value), value)
        if key not in self.constants:
            self.constants[key] = f"t{len(self.constants)}"
            self.globals[self.constants[key]] = value
        return self.constants[key]

    def error(self, message: str, position: int, helper: str | None = None) -> TemplateError:
        return TemplateError(message, self.source, position, helper)

    def function(self, program: Program | None, scope: Scope) -> tuple[str, int]:
        """Generate the function of a branch; return its name and the steps of one call without inner iterations."""
        if program is None or not (statements := self.statements(program.body, scope)).lines:
            return "nothing", 1
        return self.define(statements.lines), statements.weight

    def define(self, lines: list[str]) -> str:
        """Generate functions of limited size that run these lines, and return the name of the one to call."""
        parts = [lines[at : at + STATEMENTS_PER_FUNCTION] for at in range(0, len(lines), STATEMENTS_PER_FUNCTION)]
        if len(parts) > 1:
            return self.define([f"{self.define_one(part)}{SIGNATURE}; r.look()" for part in parts])
        return self.define_one(lines)

    def define_one(self, lines: list[str]) -> str:
        """Generate one function, and return its name."""
        name = f"p{self.functions}"
        self.functions += 1
        self.lines.append(f"def {name}{SIGNATURE}:")
        self.lines += (f"    {line}".replace("\n", "\n    ") for line in lines)
        if len(self.lines) > LINES_PER_UNIT:
            self.flush()
        return name

    def statements(self, body: list[Node], scope: Scope) -> Statements:
        statements = Statements()
        for node in body:
            if isinstance(node, Text):
                if node.value:
                    statements.add_piece(self.constant(node.value))
            elif isinstance(node, Mustache):
                statements.add_piece(self.mustache(node, scope))
                statements.weight += 1
            elif isinstance(node, Block):
                statements.add_block(*self.block(node, scope))
        statements.end_pieces()
        return statements

    # Tags.

    def mustache(self, node: Mustache, scope: Scope) -> str:
        """Return an expression for the text of a mustache."""
        call = node.call
        if self.is_helper(call, scope):
            value = self.helper_value(call, scope, is_printed=True)
        else:
            value = self.path(call.path, scope)
            if call.path.is_simple and not call.path.is_data and not self.param(call.path, scope):
                tag = call.path.names[0].lower()
                if tag in self.kept:
                    value = f"insert({value}, {self.constant('{{{' + tag + '}}}')}, r)"
        return f"{'e' if node.is_escaped else 's'}({value}, r)"

    def is_helper(self, call: Call, scope: Scope) -> bool:
        """Return whether a call names a helper, and not a path. Raises TemplateError for an unknown helper."""
        path = call.path
        is_name = path.is_simple and not path.is_data and not self.param(path, scope)
        name = path.names[0] if is_name else None
        if name in HELPERS:
            return True
        if name in REFUSED:
            raise self.error(f'the helper "{name}" is not supported', path.position, name)
        if call.has_arguments:
            raise self.error(f'unknown helper "{path.original}"', path.position, path.original)
        return False

    def check(self, call: Call, use: str) -> str:
        """Return the name of a helper. Raises TemplateError if it cannot be used in this way."""
        name = call.path.names[0]
        helper, position = HELPERS[name], call.path.position
        if use == "block" and not helper.is_block:
            raise self.error(f'the helper "{name}" does not begin a block', position, name)
        if use != "block" and not (helper.is_printed if use == "printed" else helper.is_value):
            raise self.error(f'the helper "{name}" begins a block: {{{{#{name} …}}}}', position, name)
        if unknown := set(call.named) - helper.named:
            raise self.error(f'the helper "{name}" has no argument "{min(unknown)}"', position, name)
        if not (helper.fewest <= len(call.arguments) <= helper.most or is_length_form(call)):
            raise self.error(f'the helper "{name}" needs {helper.arguments}', position, name)
        return name

    # Blocks.

    def block(self, node: Block, scope: Scope) -> tuple[list[str], int]:
        """Return the statements of a block and the steps that they take, without inner iterations."""
        if node.inverse and node.inverse.is_chained:
            return self.chain(node, scope)
        link = self.link(node, scope)
        inverse, weight = self.branch(node.inverse, scope, link.inverse_context)
        statement = f"if {link.condition}: {link.action}"
        return [statement if inverse == "pass" else f"{statement}\nelse: {inverse}"], link.weight + weight

    def chain(self, node: Block, scope: Scope) -> tuple[list[str], int]:
        """Return the call of a function that tries the links of a chain of `{{else if}}` one after the other."""
        lines, weight = list[str](), 1
        following: Block | None = node
        while following:
            node = following
            link = self.link(node, scope)
            weight += link.weight
            action = "return" if link.action == "pass" else f"{link.action}; return"
            lines.append(f"if {link.condition}: {action}")
            if link.inverse_context != "c":
                lines.append(f"c = {link.inverse_context}")
            following = chained(node)
        inverse, more = self.branch(node.inverse, scope, "c")
        return [f"{self.define_one([*lines, inverse])}{SIGNATURE}"], weight + more

    def link(self, node: Block, scope: Scope) -> Link:
        """Return a block without its inverse."""
        call, program = node.call, node.program
        in_helper = "c" if scope.is_top else "(N if c is None else c)"
        if not self.is_helper(call, scope):
            self.refuse_params(node)
            value = self.path(call.path, scope)
            body, weight = self.function(program, Scope(False, scope.may_be_top, scope.params))
            rendered = f"section({value}, {body}, {weight}, o, c, d, f, b, r)"
            return Link(rendered, "pass", "c", weight + 1)
        name = self.check(call, "block")
        if name == "each":
            return Link(self.iteration(node, scope), "pass", in_helper, 1)
        self.refuse_params(node)
        action, weight = self.branch(program, scope, in_helper)
        return Link(self.condition(name, call, scope), action, in_helper, weight + 1)

    def refuse_params(self, node: Block) -> None:
        if node.program and node.program.block_params:
            name = node.call.path.original
            raise self.error(f'only "each" has block parameters, and not "{name}"', node.call.position, name)

    def branch(self, program: Program | None, scope: Scope, context: str) -> tuple[str, int]:
        """Return a statement that renders a branch in an unchanged context, and its steps."""
        if program is None:
            return "pass", 0
        statements = self.statements(program.body, scope)
        if not statements.lines:
            return "pass", 0
        if scope.is_top and statements.is_one_line:
            return statements.lines[0], statements.weight
        return f"{self.define(statements.lines)}(o, {context}, d, f, b, r)", statements.weight

    def iteration(self, node: Block, scope: Scope) -> str:
        """Return an expression that renders `#each`, and is true if there was any item."""
        names = node.program.block_params if node.program else ()
        body, weight = self.function(node.program, scope.inner(names))
        value = self.value(node.call.arguments[0], scope)
        kind = "each"
        if names:
            kind = "each_with_params"
        elif self.needs_names:
            kind = "each_with_names"
        return f"{kind}({value}, {body}, {weight}, o, d, f, b, r)"

    # Expressions.

    def condition(self, name: str, call: Call, scope: Scope) -> str:
        """Return an expression that is true or false, as the condition of a helper."""
        arguments = [self.value(argument, scope) for argument in compared(call)]
        if name in {"if", "unless"}:
            if "includeZero" in call.named:
                expression = f"shown({arguments[0]}, truthy({self.value(call.named['includeZero'], scope)}))"
            else:
                expression = f"((v := {arguments[0]}) or v.__class__ is dict)"
            return f"not {expression}" if name == "unless" else expression
        if name in {"and", "or"}:
            return f" {name} ".join(f"truthy({argument})" for argument in arguments).join("()")
        left, right = arguments
        if is_length_form(call):
            left, right = f"length({right}, r.charge)", left
        return {
            "equals": f"equal({left}, {right}, r.charge)",
            "notEquals": f"(not equal({left}, {right}, r.charge))",
            "greaterThan": f"less({right}, {left}, r.charge)",
            "lessThan": f"less({left}, {right}, r.charge)",
        }[name]

    def value(self, expression: Expression, scope: Scope) -> str:
        if isinstance(expression, Literal):
            return self.constant(expression.value)
        if isinstance(expression, Path):
            return self.path(expression, scope)
        if self.is_helper(expression, scope):
            return self.helper_value(expression, scope, is_printed=False)
        raise self.error(f'unknown helper "{expression.path.original}"', expression.position, expression.path.original)

    def helper_value(self, call: Call, scope: Scope, *, is_printed: bool) -> str:
        name = self.check(call, "printed" if is_printed else "value")
        if name in COMPARISONS or name in {"and", "or"}:
            return self.condition(name, call, scope)
        arguments = [self.value(argument, scope) for argument in call.arguments]
        if name == "length":
            return f"length({arguments[0]}, r.charge)"
        if name == "insert":
            return f"insert({arguments[0]}, {arguments[1] if arguments[1:] else self.constant('')}, r)"
        self.check_offset(call)
        return f"date({arguments[0]}, {arguments[1]}, {arguments[2] if arguments[2:] else 'U'})"

    def check_offset(self, call: Call) -> None:
        """Raise TemplateError if an offset in the template cannot be read."""
        if len(call.arguments) == 3 and isinstance(call.arguments[2], Literal):
            try:
                zone_of(call.arguments[2].value)
            except RenderError as error:
                raise self.error(str(error).rstrip("."), call.arguments[2].position, "formatDate") from error

    def param(self, path: Path, scope: Scope) -> tuple[int, int] | None:
        """Return the block and the place of the block parameter that a path begins with."""
        if path.depth or path.is_scoped or not path.names:
            return None
        for block, names in enumerate(scope.params):
            if path.names[0] in names:
                return block, names.index(path.names[0])
        return None

    def path(self, path: Path, scope: Scope) -> str:
        if place := self.param(path, scope):
            block, index = place
            value = f"b{'[2]' * block}[{index}]" if index < 2 else "U"
            return self.walk("walk", value, path.names[1:])
        self.record(path, scope)
        if path.is_data and path.names:
            return self.data(path)
        if path.depth:
            return self.walk("walk", f"above(d, {path.depth})", path.names)
        if not path.names:
            return "c"
        name = self.constant(path.names[0])
        get = f"c.get({name}, U)"
        first = get if scope.is_top else f"({get} if c.__class__ is dict else look(c, {name}, r.charge))"
        return self.walk("walk", first, path.names[1:])

    def data(self, path: Path) -> str:
        if path.names[0] == "root" and not path.depth:
            return self.walk("walk_truthy", "r.root", path.names[1:])
        value = f"data(f, {path.depth}, {self.constant(path.names[0])}, r)"
        return self.walk("walk_truthy", value, path.names[1:])

    def walk(self, function: str, value: str, names: tuple[str, ...]) -> str:
        if not names:
            return value
        if len(names) == 1 and function == "walk":
            return f"look({value}, {self.constant(names[0])}, r.charge)"
        return f"{function}({value}, {self.constant(names)}, r.charge)"

    def record(self, path: Path, scope: Scope) -> None:
        """Note which part of the top-level context a path may read."""
        if self.names is None:
            return
        names = path.names
        if path.is_data and names:
            if names[0] != "root":
                return
            names = names[1:]
        elif not names and not path.depth and not scope.may_be_top:
            return
        if names:
            self.names.add(names[0])
        else:
            self.names = None


class Link(NamedTuple):
    """A block without its inverse: a condition, and a statement to run if it is true.

    The condition of an iteration renders the items.
    """

    condition: str
    action: str
    inverse_context: str
    weight: int


@dataclass(slots=True)
class Statements:
    """The statements of one body."""

    lines: list[str] = field(default_factory=list)
    weight: int = 1
    pieces: list[str] = field(default_factory=list)
    is_one_line: bool = True

    def add_piece(self, piece: str) -> None:
        """Add an expression for a piece of output."""
        self.pieces.append(piece)
        if len(self.pieces) == PIECES_PER_STATEMENT:
            self.end_pieces()

    def end_pieces(self) -> None:
        if self.pieces:
            self.is_one_line = not self.lines
            self.lines.append(f"o += ({', '.join(self.pieces)},)")
            self.pieces = []

    def add_block(self, lines: list[str], weight: int) -> None:
        self.end_pieces()
        self.lines += lines
        self.weight += weight
        self.is_one_line = False


def is_length_form(call: Call) -> bool:
    """Return whether a comparison has the form `{{#greaterThan 0 length items}}`, which SendGrid's documents show.

    It compares the length of `items` with the number, as `{{#greaterThan (length items) 0}}`.
    """
    arguments = call.arguments
    if call.path.names[0] not in COMPARISONS or len(arguments) != 3:
        return False
    return isinstance(arguments[1], Path) and arguments[1].original == "length"


def compared(call: Call) -> list[Expression]:
    """Return the arguments that have values, and not the word `length` between two of them."""
    return [call.arguments[0], call.arguments[2]] if is_length_form(call) else call.arguments


def chained(block: Block) -> Block | None:
    """Return the next link of a chain."""
    if not (block.inverse and block.inverse.is_chained):
        return None
    following = block.inverse.body[0]
    assert isinstance(following, Block)
    return following
