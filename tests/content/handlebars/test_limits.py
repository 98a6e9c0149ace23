"""Renderings that would take too long or produce too much end with a reason, and templates at the limits work."""

from __future__ import annotations

import time
from typing import Any

import pytest

from content.handlebars import Limits, RenderError, compile_template
from tests.examples import further

LIMITS = Limits(characters=1_000_000, steps=100_000)
STEPS = "more than 100,000 steps"
CHARACTERS = "more than 1,000,000 characters"
MANY = [1] * 20_000
LONG = "1" * 900_000

EXCESSIVE: list[tuple[str, dict[str, Any], str]] = [
    ("{{#each a}}{{this}}{{/each}}", {"a": [1] * 1_000_000}, STEPS),
    ("{{#each a}}{{#each @root.a}}{{#each @root.a}}{{/each}}{{/each}}{{/each}}", {"a": [1] * 300}, STEPS),
    ("{{#a}}{{#@root.a}}{{/@root.a}}{{/a}}", {"a": MANY}, STEPS),
    ("{{#each a as |x|}}{{#each @root.a}}{{/each}}{{/each}}", {"a": MANY}, STEPS),
    ("{{#each a}}{{@root.a}}{{/each}}", {"a": MANY}, STEPS),
    ('{{#each a}}{{#equals @root.a "1"}}{{/equals}}{{/each}}', {"a": [1] * 500}, STEPS),
    ("{{#each a}}{{#equals @root.b 1}}{{/equals}}{{/each}}", {"a": MANY, "b": LONG}, STEPS),
    ("{{#each a}}{{length @root.b}}{{@root.b.[0]}}{{/each}}", {"a": MANY, "b": f"ä{LONG}"}, STEPS),
    ("{{#each a}}{{#equals @root.b 1}}{{/equals}}{{/each}}", {"a": MANY, "b": f"{LONG}x"}, STEPS),
    ("{{#each a}}{{@root.b}}{{/each}}", {"a": MANY, "b": LONG}, CHARACTERS),
    ("{{#each a}}{{@root.b}}{{/each}}", {"a": MANY, "b": "<" * 900}, CHARACTERS),
    ("{{#each a}}{{{insert x @root.b}}}{{/each}}", {"a": MANY, "b": f"default={LONG}"}, CHARACTERS),
    (f"{{{{#each a}}}}{'x' * 100_000}{{{{/each}}}}", {"a": MANY}, CHARACTERS),
    ("{{a}}" * 2, {"a": LONG}, CHARACTERS),
]


def test_excessive_renderings_fail_with_a_reason(subtests: pytest.Subtests, step: int) -> None:
    for template, data, reason in EXCESSIVE[::step]:
        with subtests.test(template=template[:80]):
            compiled = compile_template(template)
            with pytest.raises(RenderError, match=reason):
                compiled.render(data, limits=LIMITS)


def test_time_is_limited() -> None:
    template = compile_template("{{#each a}}{{#each @root.a}}{{/each}}{{/each}}")
    with pytest.raises(RenderError, match=r"more than 0\.05 s"):
        template.render({"a": [1] * 10_000}, limits=Limits(steps=10**9, seconds=0.05))


@further
def test_time_is_also_limited_without_an_iteration() -> None:
    template = compile_template("{{a}}" * 17_000)
    with pytest.raises(RenderError, match="more than 0 s"):
        template.render({"a": 1}, limits=Limits(seconds=0))


def test_limits_are_exact() -> None:
    template = compile_template("{{#each a}}{{this}}{{/each}}")
    assert template.render({"a": [1] * 10}, limits=Limits(characters=10, steps=20)) == "1" * 10
    with pytest.raises(RenderError, match="more than 9 characters"):
        template.render({"a": [1] * 10}, limits=Limits(characters=9))
    with pytest.raises(RenderError, match="more than 19 steps"):
        template.render({"a": [1] * 10}, limits=Limits(steps=19))


def test_deep_data_renders_as_far_as_a_template_reads_it() -> None:
    data: dict[str, Any] = {}
    arrays: list[Any] = []
    for _ in range(10_000):
        data, arrays = {"a": data}, [arrays]
    assert compile_template("{{a.a.a}}").render(data) == "[object Object]"
    with pytest.raises(RenderError, match="nested more than 100 deep"):
        compile_template("{{a}}").render({"a": arrays})


def test_blocks_may_be_nested_fifty_deep_and_links_may_be_five_hundred() -> None:
    data: dict[str, Any] = {}
    for _ in range(50):
        data = {"a": [data]}
    nested = compile_template("{{#each a}}" * 50 + "x" + "{{/each}}" * 50)
    assert nested.render(data) == "x"
    links = "".join(f"{{{{else if n{number}}}}}{number}" for number in range(500))
    chain = compile_template(f"{{{{#if a}}}}{links}{{{{else}}}}none{{{{/if}}}}")
    assert [chain.render({"n499": 1}), chain.render({})] == ["499", "none"]


@further
def test_compilation_takes_time_in_proportion_to_the_size() -> None:
    small, large = (compilation_seconds("{{#if a}}{{b.c}} text {{/if}}" * count) for count in (100, 1_000))
    assert large < 30 * small


def compilation_seconds(source: str) -> float:
    """Return the CPU time of a compilation, the least of three."""
    seconds = []
    for _ in range(3):
        began_at = time.process_time()
        compile_template(source)
        seconds.append(time.process_time() - began_at)
    return min(seconds)
