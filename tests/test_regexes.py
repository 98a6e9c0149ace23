"""Every regular expression of the product is linear in its input, in time and in memory."""

from __future__ import annotations

import ast
import importlib
import pickle
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.validators import RegexValidator
from django.urls import URLPattern, URLResolver, get_resolver

from audience.query import sgql
from mailer.activity import language
from tests import regex_probe
from tests.regex_probe import REPEATS, SINGLE, codes, inner_of, parser

PACKAGES = (
    "accounts",
    "api",
    "batches",
    "campaigns",
    "config",
    "console",
    "content",
    "events",
    "foundation",
    "mailer",
    "monitoring",
)
ROOT = Path(__file__).parent.parent
METHODS = {"search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
CALL = re.compile(rf"\bre\.({'|'.join(METHODS)})\(")
MANY = 1000
"""A repetition with a greater maximum counts as unbounded."""

Expression = tuple[str, Any, int, list[str]]
"""A name for messages, the pattern, its flags, and the methods by which it is used."""


def modules() -> Iterator[Any]:
    for package in map(importlib.import_module, PACKAGES):
        yield package
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # A web process starts a thread when it loads its application.
            if not {"migrations", "management", "wsgi"} & set(module.name.split(".")):
                yield importlib.import_module(module.name)


def patterns_in(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from patterns_in(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from patterns_in(each)


def in_modules(sources: str) -> Iterator[Expression]:
    """Yield what modules and their classes hold, with the methods that the sources call on that name."""
    uses: defaultdict[str, set[str]] = defaultdict(set)
    for name, method in re.findall(r"\b(\w+)\.(\w+)\(", sources):
        uses[name].add(method)
    for module in modules():
        spaces = [vars(module), *(vars(each) for each in vars(module).values() if isinstance(each, type))]
        for name, value in [item for space in spaces for item in space.items()]:
            for pattern in patterns_in(value):
                used = METHODS & uses[name] or {"search"}
                yield f"{module.__name__}.{name}", pattern.pattern, pattern.flags & ~re.UNICODE, sorted(used)


def in_calls(files: Iterable[Path]) -> Iterator[Expression]:
    """Yield what is written in a call, such as `re.sub("…", …)`."""
    for file in files:
        text = file.read_text()
        # To parse all files would take a second.
        for node in ast.walk(ast.parse(text)) if CALL.search(text) else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                pattern = node.args[0]
                owner = node.func.value
                is_use = isinstance(owner, ast.Name) and owner.id == "re" and node.func.attr in METHODS
                if is_use and isinstance(pattern, ast.Constant):
                    yield f"{file.relative_to(ROOT)}:{node.lineno}", pattern.value, 0, [node.func.attr]


def in_urls(resolver: URLResolver) -> Iterator[Expression]:
    """Yield the paths, but for those of Django's admin: the server bounds the length of a path."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver) and each.app_name == "admin":
            continue
        regex = each.pattern.regex
        yield f"url {regex.pattern}", regex.pattern, 0, ["search"]
        if isinstance(each, URLResolver):
            yield from in_urls(each)
        else:
            assert isinstance(each, URLPattern)


def in_validators() -> Iterator[Expression]:
    for model in apps.get_models():
        if model._meta.app_label in PACKAGES:
            for validator in (each for field in model._meta.fields for each in field.validators):
                if isinstance(validator, RegexValidator):
                    yield f"{model.__name__}'s validator", validator.regex.pattern, 0, ["search"]


def in_grammar() -> Iterator[Expression]:
    for name, module in (("sgql", sgql), ("activity", language)):
        for terminal in module._parser().terminals:
            yield f"{name} {terminal.name}", terminal.pattern.to_regexp(), 0, ["match"]


def find_expressions() -> list[Expression]:
    """Return all expressions of the product that see input, each once."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py") if "migrations" not in file.parts]
    sources = "\n".join(file.read_text() for file in files)
    every = [*in_modules(sources), *in_calls(files), *in_urls(get_resolver()), *in_validators(), *in_grammar()]
    distinct: dict[Any, Expression] = {}
    for name, pattern, flags, methods in every:
        known = distinct.get((pattern, flags), (name, pattern, flags, []))
        distinct[pattern, flags] = (*known[:3], sorted({*known[3], *methods}))
    return list(distinct.values())


def unbounded_groups(items: Any) -> Iterator[Any]:
    """Yield the unbounded repetitions of more than a single character.

    Possessive ones keep no trail of their rounds, so they cost no memory and are not included.
    """
    for operation, argument in items:
        if operation in REPEATS and operation is not codes.POSSESSIVE_REPEAT:
            _, highest, body = argument
            if highest > MANY and not (len(body) == 1 and body[0][0] in SINGLE):
                yield body
        for inner in inner_of(operation, argument):
            yield from unbounded_groups(inner)


def probe(expressions: list[Expression]) -> list[str]:
    """Return what a process with limits says of expressions."""
    command = [sys.executable, regex_probe.__file__]
    done = subprocess.run(command, input=pickle.dumps(expressions), capture_output=True, check=False)
    lines = done.stdout.decode().splitlines()
    return lines[:-1] if lines[-1:] == ["done"] else [*lines, f"ended early: {done.stderr.decode()[-500:]}"]


def test_no_expression_repeats_a_group_without_a_bound() -> None:
    expressions = find_expressions()
    names = " ".join(name for name, *_ in expressions)
    places = (".LEGACY_TAG", "config.logs", "mailer/admin/addresses.py", "url ", "validator")
    for known in (*places, "sgql SINGLE", "activity CONTAINS"):
        assert known in names
    repeating = {
        name: pattern for name, pattern, flags, _ in expressions if list(unbounded_groups(parser.parse(pattern, flags)))
    }
    assert repeating == {}


@pytest.mark.large
def test_every_expression_is_linear_in_time_and_memory() -> None:
    assert probe(find_expressions()) == []


@pytest.mark.large
@pytest.mark.parametrize(
    ("pattern", "method", "complaint"),
    [
        (r"<body\b[^>]*>", "search", "times the time"),
        (r"a\s*\s*b", "search", "times the time"),
        (rb"(?<!\\)(?:\\\\)*\\u0000", "search", "too much memory"),
        (r"(a+)+b", "match", "ended early"),
    ],
)
def test_the_probe_detects_expressions_that_are_not_linear(
    pattern: Any, method: str, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPU_SECONDS", "1")
    assert complaint in str(probe([("example", pattern, 0, [method])]))
