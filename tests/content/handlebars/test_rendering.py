"""Test what templates render, case by case, and how tags that the next step replaces are kept."""

from __future__ import annotations

import pytest

from content.handlebars import SimpleTag, compile_template, escape
from tests.content.handlebars.table import TABLE


def test_templates_render_as_the_table_says(subtests: pytest.Subtests) -> None:
    for template, data, expected in TABLE:
        with subtests.test(template=template, data=data):
            assert compile_template(template).render(data) == expected


def test_escape_replaces_the_seven_characters_of_handlebars() -> None:
    assert escape("&<>\"'`=x") == "&amp;&lt;&gt;&quot;&#x27;&#x60;&#x3D;x"


def test_a_kept_tag_renders_as_itself_unless_the_data_has_a_value() -> None:
    template = compile_template("{{ Unsubscribe }} {{{unsubscribe}}} {{weblink}}", kept=["unsubscribe"])
    assert template.render({}) == "{{{unsubscribe}}} {{{unsubscribe}}} "
    assert template.render({"unsubscribe": "<u>"}) == "{{{unsubscribe}}} <u> "
    assert template.render({"Unsubscribe": "<u>", "unsubscribe": ""}) == "&lt;u&gt; {{{unsubscribe}}} "


def test_a_kept_tag_is_kept_within_an_iteration_and_behind_a_longer_path_it_is_not() -> None:
    template = compile_template("{{#each a}}{{weblink}}{{this.weblink}}{{b.weblink}}{{/each}}", kept=["weblink"])
    assert template.render({"a": [1, {"weblink": "w"}]}) == "{{{weblink}}}ww"


def test_names_are_those_that_may_be_read_in_the_top_level_context(subtests: pytest.Subtests) -> None:
    names = {
        "plain": set(),
        "{{a}} {{b.c}} {{@root.d.e}} {{this.f}}": {"a", "b", "d", "f"},
        "{{#each a}}{{b}}{{../c}}{{@index}}{{this}}{{/each}}": {"a", "b", "c"},
        "{{#each a as |x|}}{{x.b}}{{/each}}": {"a"},
        "{{#if a}}{{b}}{{else if (equals c 1)}}{{length d}}{{/if}}": {"a", "b", "c", "d"},
        '{{insert a "default=b"}}{{formatDate c "D" d}}': {"a", "c", "d"},
        "{{#greaterThan 0 length a}}{{/greaterThan}}": {"a"},
        "{{this}}": None,
        "{{#each this}}{{/each}}": None,
        "{{#if a}}{{length .}}{{/if}}": None,
        "{{#a}}{{this}}{{/a}}": None,
        "{{#each a}}{{#each b}}{{..}}{{/each}}{{/each}}": None,
        "{{#if @root}}{{/if}}": None,
    }
    for template, expected in names.items():
        with subtests.test(template=template):
            read = compile_template(template).names
            assert (None if read is None else set(read)) == expected


def test_a_simple_template_lists_its_tags_as_written() -> None:
    template = compile_template(
        'Hi {{ name }}, {{{x}}} {{insert a "default=b & c"}} {{[a b]}} {{ Weblink }}', kept=["weblink"]
    )
    assert template.is_simple
    assert template.simple_tags == (
        SimpleTag("{{ name }}", "name", True, None),
        SimpleTag("{{{x}}}", "x", False, None),
        SimpleTag('{{insert a "default=b & c"}}', "a", True, "b & c"),
        SimpleTag("{{[a b]}}", "a b", True, None),
        SimpleTag("{{ Weblink }}", "Weblink", True, "{{{weblink}}}"),
    )


def test_other_tags_and_stripped_text_make_a_template_not_simple(subtests: pytest.Subtests) -> None:
    assert compile_template("no tag").is_simple
    for template in (
        "{{a.b}}",
        "{{this}}",
        "{{this.a}}",
        "{{@root.a}}",
        "{{#a}}{{/a}}",
        "{{~a}}",
        " {{~a}}",
        "{{! note }}",
        r"\{{a}}",
        r"\\{{a}}",
        "{{length a}}",
        "{{insert a b}}",
        '{{insert a.b "x"}}',
        '{{insert (length a) "x"}}',
    ):
        with subtests.test(template=template):
            compiled = compile_template(template)
            assert (compiled.is_simple, compiled.simple_tags) == (False, ())


def test_what_an_author_writes_never_becomes_code() -> None:
    for text in ("t0, U)", '");raise SystemExit#', "o += 1", "{}{0}%s", "\ud800", '"""', "__builtins__"):
        template = compile_template(f"{text} {{{{[{text}]}}}} {{{{{{insert x '{text}'}}}}}}")
        assert template.render({text: 1}) == f"{text} 1 {text}"
