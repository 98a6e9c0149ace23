"""Each family of SendGrid's calls is one folder with the same files, so that all about a call is in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import api.sendgrid
from api.sendgrid import urls

FAMILIES = [path for path in Path(api.sendgrid.__file__).parent.iterdir() if (path / "__init__.py").exists()]
FILES = {"inputs.py", "outputs.py", "schema.py", "views.py"}
WITHOUT = {
    # The answer to a mail has no body.
    "mail": {"outputs.py"},
}


def test_every_family_has_the_same_files(subtests: pytest.Subtests) -> None:
    for family in FAMILIES:
        with subtests.test(family=family.name):
            missing = FILES - {path.name for path in family.iterdir()}
            assert missing == WITHOUT.get(family.name, set())


def test_every_family_is_routed() -> None:
    tree = ast.parse(Path(urls.__file__).read_text())
    routed = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {f"api.sendgrid.{family.name}" for family in FAMILIES} <= routed


def test_bodies_are_described_in_the_inputs_of_their_family(subtests: pytest.Subtests) -> None:
    for family in FAMILIES:
        with subtests.test(family=family.name):
            tree = ast.parse((family / "views.py").read_text())
            bases = {
                ast.unparse(base) for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases
            }
            assert "Body" not in bases
