"""CSS is inlined without a change to the tags of templates, and hostile HTML costs no more than some seconds."""

from __future__ import annotations

import pytest

from content import css
from content.css import inline_css
from content.errors import InvalidTemplate

DESIGN = """<!DOCTYPE html><html><head><style>td, p { color: red } a:hover { color: blue }
@media (max-width: 480px) { p { color: green } }</style></head><body><!--[if mso]><p>{{x}}</p><![endif]-->
<table><tr><th>a</th></tr>{{#each items}}<tr>{{! c > }}<td {{#if a}}class="a"{{/if}} style="{{style}}">{{{a.b}}}</td>
</tr>
{{/each}}</table><p style="margin:0;*zoom:1;color:{{c}}" title="{{insert x "default=y"}}">[%x | "y" %] <%body%></p>
{{#if a}}<a href="<%asm_group_unsubscribe_raw_url%>">u</a>{{/if}}</body></html>"""


def test_rules_become_attributes_and_the_style_element_stays() -> None:
    inlined = inline_css(DESIGN)
    head = DESIGN[: DESIGN.index("<body>")]
    assert inlined.startswith(head)
    assert "@media (max-width: 480px)" in inlined
    assert 'style="color: red;{{style}}"' in inlined
    assert 'style="margin: 0;*zoom:1;color: {{c}}"' in inlined


def test_tags_of_templates_stay_where_they_are() -> None:
    inlined = inline_css(DESIGN)
    assert '<table><tbody><tr><th>a</th></tr>{{#each items}}<tr>{{! c > }}<td {{#if a}}class="a" {{/if}}' in inlined
    assert "{{{a.b}}}</td>\n</tr>\n{{/each}}" in inlined
    assert '[%x | "y" %] <%body%></p>' in inlined
    assert 'title="{{insert x "default=y"}}"' in inlined
    assert '{{#if a}}<a href="<%asm_group_unsubscribe_raw_url%>">u</a>{{/if}}' in inlined
    assert "<!--[if mso]><p>{{x}}</p><![endif]-->" in inlined


def test_conditions_around_attributes_keep_their_ends() -> None:
    html = "<style>b { c: d }</style><b {{#if a}}x{{/if}} {{#if b}}y{{/if}} {{z}}>{{z}}</b>"
    assert "<b {{#if a}}x{{/if}} {{#if b}}y{{/if}} {{z}} style=" in inline_css(html)


def test_html_without_style_elements_is_unchanged() -> None:
    assert inline_css("<p>{{a}}<td>&") == "<p>{{a}}<td>&"


def test_nothing_is_loaded() -> None:
    html = '<link rel="stylesheet" href="file:///etc/hostname"><style>p { margin: 0 }</style><p>x</p>'
    assert '<link rel="stylesheet" href="file:///etc/hostname">' in inline_css(html)


@pytest.mark.parametrize(
    "html",
    [
        # The parser recurses for each level, and would end its process.
        "<div>" * 200_000,
        # Each element would get each rule.
        "".join(f"<style>b {{ x{n}: y }}</style>" for n in range(2000)) + "<b></b>" * 5000,
    ],
    ids=["deep", "large"],
)
def test_hostile_html_is_refused(html: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(css, "SECONDS", 0.3)
    with pytest.raises(InvalidTemplate) as caught:
        inline_css(f"<style>b {{ c: d }}</style>{html}")
    assert caught.value.field == "html_content"
