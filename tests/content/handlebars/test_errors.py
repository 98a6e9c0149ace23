"""Test templates that are refused, with the place, and data that cannot be rendered."""

from __future__ import annotations

from typing import Any

import pytest

from content.handlebars import RenderError, TemplateError, compile_template

Row = tuple[str, int, int, str | None, str]

REFUSED: list[Row] = [
    ("a\n  {{foo bar}}", 2, 5, "foo", 'unknown helper "foo"'),
    ("{{a.b c}}", 1, 3, "a.b", 'unknown helper "a.b"'),
    ("{{#if (foo 1)}}{{/if}}", 1, 8, "foo", 'unknown helper "foo"'),
    ("{{#if (foo)}}{{/if}}", 1, 8, "foo", 'unknown helper "foo"'),
    ("{{#foo 1}}{{/foo}}", 1, 4, "foo", 'unknown helper "foo"'),
    ("{{#with a}}{{/with}}", 1, 4, "with", 'the helper "with" is not supported'),
    ("{{lookup a 1}}", 1, 3, "lookup", 'the helper "lookup" is not supported'),
    ("{{log a}}", 1, 3, "log", 'the helper "log" is not supported'),
    ("{{log}}", 1, 3, "log", 'the helper "log" is not supported'),
    ("{{> header}}", 1, 1, None, "partials are not supported"),
    ("{{#> header}}{{/header}}", 1, 1, None, "partials are not supported"),
    ('{{#*inline "a"}}{{/inline}}', 1, 1, None, "decorators are not supported"),
    ("{{* a}}", 1, 1, None, "decorators are not supported"),
    ("{{{{raw}}}}{{{{/raw}}}}", 1, 1, None, "raw blocks are not supported"),
    ("{{#insert a}}{{/insert}}", 1, 4, "insert", 'the helper "insert" does not begin a block'),
    ("{{equals a b}}", 1, 3, "equals", 'the helper "equals" begins a block: {{#equals …}}'),
    ("{{if a}}", 1, 3, "if", 'the helper "if" begins a block: {{#if …}}'),
    ("{{#if (if a)}}{{/if}}", 1, 8, "if", 'the helper "if" begins a block: {{#if …}}'),
    ("{{#if}}{{/if}}", 1, 4, "if", 'the helper "if" needs 1 argument'),
    ("{{#if a b}}{{/if}}", 1, 4, "if", 'the helper "if" needs 1 argument'),
    ("{{#equals a}}{{/equals}}", 1, 4, "equals", 'the helper "equals" needs 2 arguments'),
    ("{{#equals a b c}}{{/equals}}", 1, 4, "equals", 'the helper "equals" needs 2 arguments'),
    ("{{formatDate a}}", 1, 3, "formatDate", 'the helper "formatDate" needs 2 to 3 arguments'),
    ("{{length}}", 1, 3, "length", 'the helper "length" needs 1 argument'),
    ("{{insert a default='x'}}", 1, 3, "insert", 'the helper "insert" has no argument "default"'),
    (
        '{{formatDate a "D" "Mars/A"}}',
        1,
        20,
        "formatDate",
        'formatDate cannot read "Mars/A" as an offset or a time zone',
    ),
    ("{{#if a as |x|}}{{/if}}", 1, 4, "if", 'only "each" has block parameters, and not "if"'),
    ("{{#if a}}", 1, 4, None, 'the block "if" has no end'),
    ("{{#if a}}{{#each b}}{{/if}}", 1, 13, None, 'the block "each" ends with "if"'),
    ("{{/if}}", 1, 1, None, 'unexpected end of the block "if"'),
    ("{{else}}", 1, 1, None, 'unexpected "else"'),
    ("{{#if a}}{{else}}{{else}}{{/if}}", 1, 18, None, 'unexpected "else"'),
    ("{{#if a}}{{else}}{{else if b}}{{/if}}", 1, 18, None, 'unexpected "else"'),
    (
        "{{^a}}{{else if b}}{{/a}}",
        1,
        7,
        None,
        'a block that begins with "^" has no "else" with a condition',
    ),
    ("x {{a", 1, 3, None, "the tag has no end"),
    ("{{a}", 1, 1, None, "the tag has no end"),
    ("{{a} {{b}}", 1, 4, None, 'unexpected "}" in a tag'),
    ("{{a}}}", 1, 4, None, 'unexpected "}}}" in a tag'),
    ("{{{a}}", 1, 5, None, 'unexpected "}}" in a tag'),
    ("{{}}", 1, 3, None, 'unexpected "}}" in a tag'),
    ('{{"a}}', 1, 3, None, 'unexpected """ in a tag'),
    ("{{a.b.}}", 1, 3, "a.b", 'unknown helper "a.b"'),
    ("{{a/ /b}}", 1, 6, None, 'unexpected "/" in a tag'),
    ("{{a.0}}", 1, 5, None, 'unexpected "0" in a tag'),
    ("{{a/../b}}", 1, 3, None, 'invalid path "a/.."'),
    ("{{! a", 1, 1, None, "the comment has no end"),
    ("{{!-- a }}", 1, 1, None, "the comment has no end"),
    ("a\0", 1, 2, None, "the template has a NUL character"),
    ("{{#if a}}" * 51 + "{{/if}}" * 51, 1, 451, None, "blocks are nested more than 50 deep"),
    ("{{#a}}" + "{{else b}}" * 501 + "{{/a}}", 1, 5007, None, 'the block has more than 500 "else" with a condition'),
    (f"{{{{length {'(length ' * 21}a{')' * 21}}}}}", 1, 170, None, "parentheses are nested more than 20 deep"),
    (f"{{{{a{'.a' * 100}}}}}", 1, 3, None, "the path has more than 100 parts"),
    (f"{{{{#and {'a ' * 1000}}}}}", 1, 1, None, "the tag has more than 1,000 parts"),
    ("{{!}}" * 40_001, 1, 200_001, None, "the template has more than 40,000 tags and texts"),
    ("a" * 10_000_001, 1, 10_000_001, None, "the template has more than 10,000,000 characters"),
]

UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ('{{formatDate t "D"}}', {"t": "soon"}, 'formatDate cannot read "soon" as a time.'),
    ('{{formatDate t "D"}}', {"t": "2023-02-30"}, 'formatDate cannot read "2023-02-30" as a time.'),
    ('{{formatDate t "D"}}', {"t": "x" * 100}, f'formatDate cannot read "{"x" * 59}… as a time.'),
    ('{{formatDate t "D"}}', {"t": [1]}, "formatDate cannot read an array or object as a time."),
    ('{{formatDate t "D"}}', {"t": True}, "formatDate cannot read True as a time."),
    ('{{formatDate t "D"}}', {"t": 1e300}, "formatDate cannot show the time 1e+300."),
    ('{{formatDate t "D" "-1200"}}', {"t": "0001-01-01"}, 'formatDate cannot show the time "0001-01-01".'),
    ('{{formatDate 0 "D" z}}', {"z": "../etc"}, 'formatDate cannot read "../etc" as an offset or a time zone.'),
    ('{{formatDate 0 "D" z}}', {"z": 5000}, "formatDate cannot read 5000 as an offset or a time zone."),
    ("{{formatDate 0 f}}", {"f": 1}, "formatDate needs a format of at most 1,000 characters."),
    ("{{a}}", {"a": object()}, "The data has a value of the type object, which JSON does not have."),
]


def test_templates_are_refused_with_the_place_and_the_helper(subtests: pytest.Subtests) -> None:
    for template, line, column, helper, message in REFUSED:
        with subtests.test(template=template[:80]):
            with pytest.raises(TemplateError) as caught:
                compile_template(template)
            error = caught.value
            assert (error.line, error.column, error.helper, error.message) == (line, column, helper, message)
            assert str(error) == f"line {line}, column {column}: {message}"


def test_data_that_cannot_be_rendered_has_a_reason(subtests: pytest.Subtests) -> None:
    for template, data, message in UNFIT:
        with subtests.test(template=template, message=message):
            compiled = compile_template(template)
            with pytest.raises(RenderError) as caught:
                compiled.render(data)
            assert str(caught.value) == message
