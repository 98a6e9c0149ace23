"""The tables of `docs/migrating-from-sendgrid.md` have every operation as it is served, and its scripts work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import resolve

from tests.api.sendgrid.official_routes import ROUTES
from tests.urls import TEMPLATES, VALUES, fill_in

PAGE = (Path(__file__).parent.parent / "docs" / "migrating-from-sendgrid.md").read_text()
_, OPERATIONS = PAGE.split("\n## Operations\n")
ROW = re.compile(r"^\| ([A-Z]+(?:, [A-Z]+)*) \| `(/v3/\S+)` \| (.+) \|$", re.MULTILINE)
NOT_HERE = "not here"
REMARKS = ("same", "better", "added", "in part", "without effect", NOT_HERE)


class Operation(NamedTuple):
    """A method and a path, with `{}` for each parameter and without a slash at its end."""

    method: str
    path: str


def nameless(path: str) -> str:
    return re.sub(r"[<{][^>}]*[>}]", "{}", path).removesuffix("/")


def rows() -> list[tuple[Operation, str]]:
    """Return each operation of the tables with its remark."""
    return [
        (Operation(method, nameless(path)), remark)
        for methods, path, remark in ROW.findall(OPERATIONS)
        for method in methods.split(", ")
    ]


def answer(method: str, url: str) -> HttpResponse:
    match = resolve(url)
    return match.func(RequestFactory().generic(method, url), *match.args, **match.kwargs)


def served_operations() -> Iterator[Operation]:
    """Yield what our routes serve, according to their answers to OPTIONS."""
    for template in TEMPLATES:
        if template.startswith("/v3/"):
            methods = set(answer("OPTIONS", fill_in(template, VALUES))["Allow"].split(", "))
            for method in methods - {"OPTIONS", "HEAD"}:
                yield Operation(method, nameless(template))


def test_the_tables_have_the_operations_that_are_served() -> None:
    in_tables = {operation for operation, remark in rows() if not remark.startswith(NOT_HERE)}
    served = set(served_operations())
    assert len(served) > 100
    assert sorted(served - in_tables) == [], "served, and not in the tables"
    assert sorted(in_tables - served) == [], "in the tables, and not served"


def test_a_path_without_operations_is_answered_with_404_in_json() -> None:
    """A path that has other methods answers 405, which `tests/test_methods.py` covers."""
    paths = {operation.path for operation in served_operations()}
    not_here = [row for row, remark in rows() if remark.startswith(NOT_HERE) and row.path not in paths]
    assert len(not_here) > 30
    for method, path in not_here:
        refusal = answer(method, path.replace("{}", "1"))
        assert (refusal.status_code, refusal["Content-Type"]) == (404, "application/json"), (method, path)
        assert b'"errors"' in refusal.content, (method, path)


def test_the_other_families_are_not_here() -> None:
    prefixes = re.findall(r"`(/v3/\S+)`", OPERATIONS.split("\n### Other families\n")[1])
    assert len(prefixes) > 10
    for path in [path for prefix in prefixes for path in (prefix, f"{prefix}/1", f"{prefix}/1/2")]:
        assert answer("GET", path).status_code == 404, path


def test_every_operation_has_one_row_and_a_known_remark() -> None:
    operations = [operation for operation, _ in rows()]
    assert len(operations) == len(set(operations))
    for operation, remark in rows():
        assert remark.partition(":")[0] in REMARKS, operation
    assert {operation.path for operation in operations} >= {f"/v3/{route}" for route in ROUTES}
