"""Read docker-compose.yml as Compose does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from stack import ROOT

VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])((?:[^{}]|\$\{[^{}]*\})*))?\}")
"""Matches a variable. Its default may be another variable, with a default of its own."""


class MissingVariable(Exception):
    """Raised for a `${NAME:?message}` without a value."""


def read_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Read the file and fill in `${NAME}`, `${NAME:-default}` and `${NAME:?message}`.

    Raises MissingVariable.
    """
    whole = fill(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), variables)
    assert isinstance(whole, dict)
    return whole


def fill(node: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: fill(value, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [fill(value, variables) for value in node]
    return VARIABLE.sub(lambda match: value_of(match, variables), node) if isinstance(node, str) else node


def value_of(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, sign, text = match.groups()
    if variables.get(name):
        return variables[name]
    if sign == "?":
        raise MissingVariable(f"{name} {text}")
    return str(fill(text or "", variables))


def variables_in_compose() -> set[str]:
    return set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))


def read_example() -> dict[str, str]:
    """Read .env.example, including the lines that it comments out."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    matches = [re.fullmatch(r"#?([A-Z_]+)=(.*)", line) for line in lines]
    return {match[1]: match[2] for match in matches if match}


def seconds(span: str) -> float:
    """Return the seconds of a span such as `90s`."""
    assert span.endswith("s"), span
    return float(span[:-1])
