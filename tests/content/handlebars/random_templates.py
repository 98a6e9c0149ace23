"""Generate random templates with data that has the names that they read, and values of all kinds.

The generator is seeded, so that a number repeats a case. Some templates are damaged at one place, to compare what the
two parsers accept.
"""

from __future__ import annotations

import random
from typing import Any, NamedTuple

COMMON = ["a", "b", "list"]
"""Most names are these, so that most paths find a value."""
NAMES = ["a", "b", "c", "list", "items", "user", "name", "1st", "mythis", "constructor", "__proto__", "ß", "x-y", "if0"]
WORDS = ["length", "[a]", "[b c]", "[0]", "[1]", "0", "[this]", "[..]", "[length]"]
TEXTS = [
    "Hello",
    " ",
    "\n",
    "\n  ",
    "  \n",
    "\r\n",
    "\t",
    "<b>&amp;</b>",
    "x}}",
    "{",
    "\\",
    "\\\\",
    "'\"",
    "{ x }",
    "\u00a0\n",
    "ü€",
    "\x1f\n",
    "\ufeff",
    "]]",
    "text\n",
]
STRINGS = ["", "0", "1", "01", " 7 ", "a", "B", "<i>'\"&`=</i>", "ab😀", "NaN", "Infinity", "0x10", "1e3", "-1", "true"]
TIMES = ["2020-01-01T23:00:00.000Z", "2024-02-29", "2023-07-01T12:30:45+05:30", "1999-12-31 23:59:59", 1577919600]
TIMES += [1577919600000, "1577919600", 0, -1, "", None, "tomorrow", "2023-02-30", True]
NUMBERS = [0, 1, -1, 2, 3, 7, 1.0, 0.5, -0.0, 1e21, 1e-7, 123456789012345680000, 2**53 + 1, 0.1, 1.5e300, 100, 1e20]
FORMATS = [
    "MMMM DD, YYYY h:mm:ss A",
    "D/M/YY HH:mm",
    "ddd dddd MMM MM Z ZZ",
    "[at] hh H s m [YYYY]",
    "",
    "YYYYMMDDhmmss",
]
OFFSETS = ["-0800", "+05:30", "+02", "Z", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "", "nowhere"]
DEFAULTS = ['"default=none"', "'default=<x>'", '"x"', '"default="', "a", "1"]
COMPARISONS = ["equals", "notEquals", "greaterThan", "lessThan"]


class Case(NamedTuple):
    """A template with its data; `is_damaged` means that it may be invalid."""

    seed: int
    template: str
    data: dict[str, Any]
    is_damaged: bool


def case(seed: int) -> Case:
    """Return the case of a number."""
    source = Source(random.Random(seed))
    template = source.body(source.random.randint(1, 4))
    is_damaged = source.random.random() < 0.2
    if is_damaged:
        template = source.damaged(template)
    return Case(seed, template, source.object(3), is_damaged)


class Source:
    """A source of random data and templates."""

    def __init__(self, randomness: random.Random) -> None:
        self.random = randomness
        self.params: list[str] = []

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, values: list[Any]) -> Any:
        return self.random.choice(values)

    # Data.

    def object(self, depth: int) -> dict[str, Any]:
        keys = [self.name("b c", "length", "0", "10", "9") for _ in range(self.random.randint(0, 7))]
        return {key: self.value(depth - 1) for key in keys}

    def name(self, *others: str) -> str:
        return self.pick(COMMON) if self.chance(0.6) else self.pick([*NAMES, *others])

    def value(self, depth: int) -> Any:
        kind = self.random.random()
        if depth > 0 and kind < 0.3:
            return self.object(depth)
        if depth > 0 and kind < 0.55:
            return [self.value(depth - 1) for _ in range(self.random.randint(0, 3))]
        return self.pick([self.pick(STRINGS), self.pick(NUMBERS), self.pick([True, False, None]), self.pick(TIMES)])

    # Templates.

    def body(self, depth: int) -> str:
        return "".join(self.piece(depth) for _ in range(self.random.randint(0, 5)))

    def piece(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.35:
            return self.text()
        if kind < 0.4:
            return self.pick(["{{! note }}", "{{!-- }} --}}", "{{~! x ~}}", "{{!}}", "{{~!-- y --~}}"])
        if depth > 0 and kind < 0.7:
            return self.block(depth)
        return self.mustache()

    def text(self) -> str:
        text = "".join(self.pick(TEXTS) for _ in range(self.random.randint(1, 3))).rstrip("{")
        # A backslash hides the next tag, so that its block has no begin or no end.
        return text if self.chance(0.1) else text.rstrip("\\")

    def tilde(self) -> str:
        return "~" if self.chance(0.15) else ""

    def space(self) -> str:
        return self.pick(["", "", "", " ", "\n"])

    def mustache(self) -> str:
        inner = f"{self.space()}{self.output()}{self.space()}"
        left, right = self.tilde(), self.tilde()
        if self.chance(0.2):
            return f"{{{{{left}{{{inner}}}{right}}}}}"
        return f"{{{{{left}{'&' if self.chance(0.05) else ''}{inner}{right}}}}}"

    def output(self) -> str:
        kind = self.random.random()
        if kind < 0.75:
            return self.path()
        if kind < 0.83:
            return f"length {self.argument()}"
        if kind < 0.92:
            return f"insert {self.argument()} {self.pick(['', self.pick(DEFAULTS)])}"
        if kind < 0.98:
            return self.date()
        return self.pick(['"a"', '"b c"', "1", "true", "null", "12.50"])

    def date(self) -> str:
        time = self.path() if self.chance(0.6) else literal(self.pick([t for t in TIMES if isinstance(t, str)]))
        offset = literal(self.pick(OFFSETS[:-1])) if self.chance(0.5) else ""
        return f"formatDate {time} {literal(self.pick(FORMATS))} {offset}"

    def path(self) -> str:
        kind = self.random.random()
        if self.params and kind < 0.3:
            return self.dotted(self.pick(self.params))
        if kind < 0.4:
            return self.pick(["this", ".", "@index", "@key", "@first", "@last", "@../index", "..", "@root", "@none"])
        prefix = self.pick(["", "", "", "", "this.", "./", "../", "../../", "this/", "@root.", "@root/", "../this."])
        return prefix + self.dotted(self.name())

    def dotted(self, name: str) -> str:
        separator = self.pick([".", ".", "/"])
        parts = [self.name(*WORDS) for _ in range(self.pick([0, 0, 0, 1, 1, 2]))]
        if parts[-1:] == ["0"]:
            # At the end of a path that is a number, and an error.
            parts.append("a")
        return separator.join([name, *parts])

    def argument(self, depth: int = 2) -> str:
        kind = self.random.random()
        if kind < 0.65:
            return self.path()
        if depth and kind < 0.8:
            return self.call(depth - 1)
        return self.pick(["0", "1", "-1", "1.50", "true", "false", "null", "undefined", literal(self.pick(STRINGS))])

    def call(self, depth: int) -> str:
        name = self.pick(["length", "insert", "and", "or", *COMPARISONS])
        arguments = [self.argument(depth)]
        if name != "length":
            arguments.append(self.argument(depth))
        return f"({name} {' '.join(arguments)})"

    def block(self, depth: int) -> str:
        name, arguments, params = self.opening()
        sign = "#" if self.chance(0.9) or params else "^"
        text = self.tag(f"{sign}{name}{arguments}{params}") + self.inner(depth, params)
        links = 0 if sign == "^" else self.pick([0, 0, 0, 1, 2])
        for _ in range(links):
            link, link_arguments, link_params = self.opening()
            text += self.tag(f"{self.space()}else {link}{link_arguments}{link_params}") + self.inner(depth, link_params)
        if self.chance(0.4):
            text += self.pick([self.tag("else"), self.tag("^")]) + self.body(depth - 1)
        return text + self.tag(f"/{name}")

    def inner(self, depth: int, params: str) -> str:
        outer = self.params
        self.params = [*outer, *params.partition("|")[2].rstrip("|").split()]
        text = self.body(depth - 1)
        self.params = outer
        return text

    def tag(self, inner: str) -> str:
        return f"{{{{{self.tilde()}{inner}{self.tilde()}}}}}"

    def opening(self) -> tuple[str, str, str]:
        """Return the name of a block, its arguments and its block parameters."""
        kind = self.random.random()
        if kind < 0.3:
            return "each", f" {self.argument(1)}", self.pick(["", "", " as |x|", " as |x i|", " as |a name z|"])
        if kind < 0.5:
            zero = self.pick(["", "", "", " includeZero=true", " includeZero=a"])
            return self.pick(["if", "if", "unless"]), f" {self.argument()}{zero}", ""
        if kind < 0.7:
            middle = "length " if self.chance(0.1) else ""
            return self.pick(COMPARISONS), f" {self.argument()} {middle}{self.argument()}", ""
        if kind < 0.8:
            return self.pick(["and", "or"]), "".join(f" {self.argument()}" for _ in range(self.pick([2, 2, 3]))), ""
        return self.path(), "", ""

    def damaged(self, template: str) -> str:
        at = self.random.randint(0, len(template))
        kind = self.random.random()
        if kind < 0.5:
            return template[:at] + template[at + self.random.randint(1, 3) :]
        return (
            template[:at]
            + self.pick(["{{", "}}", "{", "}", "~", "\\", "|", '"', ".", "/", "(", "@", "="])
            + template[at:]
        )


def literal(text: str) -> str:
    """Return a string literal."""
    quote = "'" if '"' in text else '"'
    return quote + text.replace(quote, f"\\{quote}") + quote
