"""handlebars.js renders the same: the table, its own cases, and random templates with random data.

    HANDLEBARS_CASES=100000 ./sluice test tests/content/handlebars/test_oracle.py -m large -n 0

The random cases have consecutive seeds, the first of which is HANDLEBARS_SEED or 0. A failure names its seed.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from content.handlebars import RenderError, TemplateError, compile_template
from stack.downloads import Unavailable
from tests.content.handlebars.oracle import oracle_packages, render_all
from tests.content.handlebars.random_templates import Case, case
from tests.content.handlebars.table import TABLE

pytestmark = pytest.mark.large

CASES = int(os.environ.get("HANDLEBARS_CASES", "2000"))
FIRST = int(os.environ.get("HANDLEBARS_SEED", "0"))
BATCH = 5_000
SHOWN = 10

SPEC_FILES = ("basic", "blocks", "builtins", "data", "helpers", "regressions", "subexpressions", "whitespace-control")
BEYOND = ("helpers", "decorators", "partials", "compileOptions", "runtimeOptions")
"""Keys of cases that use what templates do not have."""
REFUSED = ('the helper "with" is not supported', "decorators are not supported")
FEWEST_SPEC_CASES = 140


@pytest.fixture(scope="module")
def packages() -> Path:
    try:
        return oracle_packages()
    except Unavailable as reason:
        pytest.skip(f"No handlebars.js here: {reason}")


def test_handlebars_js_agrees_with_the_table(packages: Path, subtests: pytest.Subtests) -> None:
    answers = render_all(packages, [(template, data) for template, data, _ in TABLE])
    for (template, data, expected), answer in zip(TABLE, answers, strict=True):
        with subtests.test(template=template, data=data):
            assert answer == {"text": expected}


def test_cases_of_handlebars_js_itself_agree(packages: Path, subtests: pytest.Subtests) -> None:
    count = 0
    for row in spec_rows(packages):
        with subtests.test(case=row["it"], template=row["template"]):
            text, error = outcome(row["template"], row["data"])
            if row.get("exception"):
                assert error
            elif not error.endswith(REFUSED):
                assert (text, error) == (row["expected"], "")
                count += 1
    assert count >= FEWEST_SPEC_CASES


def outcome(template: str, data: dict[str, Any]) -> tuple[str, str]:
    """Return the text and the error, one of which is empty."""
    try:
        return compile_template(template).render(data), ""
    except ValueError as error:
        return "", str(error)


def spec_rows(packages: Path) -> Iterator[dict[str, Any]]:
    """Yield the cases whose templates are in the subset, and whose data are those of an object in JSON."""
    for name in SPEC_FILES:
        for row in json.loads((packages / "handlebars-spec" / "spec" / f"{name}.json").read_text()):
            data = {} if row.get("data") is None else row["data"]
            if isinstance(data, dict) and not row.keys() & set(BEYOND) and '"!' not in json.dumps(data):
                yield row | {"data": data}


def test_random_templates_agree(packages: Path, record_property: Any) -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for first in range(FIRST, FIRST + CASES, BATCH):
        cases = [case(seed) for seed in range(first, min(first + BATCH, FIRST + CASES))]
        for each, answer in zip(cases, render_all(packages, [(c.template, c.data) for c in cases]), strict=True):
            verdict = verdict_of(each, answer)
            counts[verdict] += 1
            if verdict == "different":
                wrong.append(f"seed {each.seed}: {each.template!r} with {each.data} is {answer} in JavaScript")
    summary = ", ".join(f"{count:,} {verdict}" for verdict, count in sorted(counts.items()))
    record_property("figures", [f"handlebars.js, seeds {FIRST} to {FIRST + CASES - 1}: {summary}"])
    assert not wrong, "\n".join(wrong[:SHOWN])


def verdict_of(each: Case, answer: dict[str, str]) -> str:
    """Return whether both render the same text, or both refuse the template or its data.

    A damaged template may have an unknown helper or a wrong number of arguments: that is an error when it is compiled,
    and in JavaScript only when that part is rendered.
    """
    try:
        text = compile_template(each.template).render(each.data)
    except TemplateError as error:
        is_earlier = each.is_damaged and error.helper is not None and "text" in answer
        return "refused earlier" if is_earlier else "refused" if "error" in answer else "different"
    except RenderError:
        return "refused" if "error" in answer else "different"
    return "equal" if answer.get("text") == text else "different"
