"""Plain text from HTML has what a reader of the HTML sees, and takes linear time for any HTML."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from campaigns.content import links_of, with_preheader
from campaigns.markdown import render_markdown
from campaigns.models import Campaign
from mailer.compose.html_tags import EndTag, StartTag, Text, read_html
from mailer.compose.plain_text import plain_text_of
from tests.examples import for_each

NEWSLETTER = """<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>News</title><style>p > a { color: red }</style></head>
<body bgcolor="#fff"><!--[if mso]><table><tr><td><![endif]-->
<table width="600"><tr><td>Hello&nbsp;&amp; <b>welcome</b>,</td><td>Ann</td></tr></table>
<h1>What&#39;s   new</h1><p>One<br>two <a href="https://example.com/a?b=1&amp;c=2">shop</a>
and <a href='mailto:us@example.com'>us@example.com</a>.</p>
<ul><li>first</li><li><a href="#top">second</a></li></ul><script>if (1 < 2) { document.write("<p>no</p>") }</script>
<p><img src="x.png" alt="A picture"> <a href="https://example.com"><img src="y.png" alt=""></a></p>
<hr>[unsubscribe] 1 < 2 &lt;3&gt;</body></html>"""
MERGED = "{{first_name}} [%last_name | friend%] <%asm_global_unsubscribe_raw_url%>"
AS_TEXT = """Hello & welcome, Ann

What's new

One
two shop (https://example.com/a?b=1&c=2) and us@example.com.

- first
- second

A picture https://example.com

[unsubscribe] 1 < 2 <3>"""


@for_each(
    ("html", "text"),
    [
        (NEWSLETTER, AS_TEXT),
        ("<p>a</p><p>b</p>", "a\n\nb"),
        ("a<br/>b<BR>c", "a\nb\nc"),
        ("<ol><li>a<li>b</ol>c", "- a\n- b\n\nc"),
        ("<a href=https://x.example/>x</a>", "x (https://x.example/)"),
        ('<A HREF="https://x.example" title="a > b">https://x.example</A>', "https://x.example"),
        ("<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("&euro; &copy &#8364; &#x20AC; &unknown;", "€ © € € &unknown;"),
        ("<p>{{first_name}} [%last_name | friend%] <%asm_global_unsubscribe_raw_url%>", MERGED),
        ("<template><p>no</p></template>yes", "yes"),
        ("a <!-- b --> c<!-->d", "a cd"),
        ("", ""),
    ],
)
def test_ordinary_html_becomes_the_text_that_a_reader_sees(html: str, text: str) -> None:
    assert plain_text_of(html) == text


@for_each(
    "html",
    [
        "<html><head><title>t</title><style>x</style><body><p>seen</p></body></html>",
        "<head><meta charset=utf-8><p>seen</p>",
        "<head><title>t</title>seen",
        "<html><head></head><body>seen",
        "<script>if (a < b) '</scrip'</script >seen",
    ],
)
def test_a_head_ends_without_its_end_tag(html: str) -> None:
    assert plain_text_of(html) == "seen"


@for_each(
    "html",
    [
        "<p>seen</p><!-- <p>no</p>",
        '<p>seen</p><a href="no>',
        "<p>seen</p><a no",
        "<p>seen</p><script>no",
        "seen<![CDATA[no",
    ],
)
def test_an_unclosed_element_hides_the_text_after_it(html: str) -> None:
    assert plain_text_of(html) == "seen"


def test_tags_and_texts_come_in_their_order() -> None:
    assert list(read_html("<A b=1 B=2 c='&lt;' d>x</a ><")) == [
        StartTag("a", {"b": "1", "c": "<", "d": ""}),
        Text("x"),
        EndTag("a"),
        Text("<"),
    ]
    assert list(read_html("&#" + "1" * 5000 + ";")) == [Text("\ufffd")]


@pytest.mark.parametrize("html", ["<body <p>x</p>", "<p>x</p><body", "<bodyguard>x</bodyguard>"])
def test_a_preheader_is_after_the_body_tag_or_first(html: str) -> None:
    at = with_preheader(html, "look").index("<div")
    assert html[:at] in {"", "<body <p>"}


def links(html: str) -> list[str]:
    return links_of(Campaign(html_content=html))


def preheader(html: str) -> str:
    return with_preheader(html, "look")


UNITS = (
    *("<a ", "<", "<!--", "<![CDATA[", "&", "&#1", "&amp", "<body ", "<body", "</", "</i>", "<b></i>", "<?", "<title>"),
    *('<a href="', "<a href='", "<a href=x>x", "<a>x", "<a =", "<a/", " ", "<script></scrip", "<li>", "</a>", "<head>"),
)
NESTED = (("<b>", "</i>"), ("<div>", "</span>"), ("<a href=x>y", "</a>"), ("<template>", "</template>"), ("<a ", ">"))


def hostile(size: int) -> list[str]:
    """Return HTML of about a size: a unit repeated, open tags without an end, and many levels with wrong ends."""
    repeated = [(unit * (size // len(unit) + 1))[:size] for unit in UNITS]
    count = size // 8
    return repeated + [begin * count + end * count for begin, end in NESTED]


@for_each(("read", "size"), [(plain_text_of, 4_000), (links, 4_000), (preheader, 4_000), (render_markdown, 500)])
def test_hostile_html_takes_time_in_proportion_to_its_length(read: Callable[[str], object], size: int) -> None:
    """A quadratic reader takes 16 times as long for 4 times the HTML, and much more than a few milliseconds."""
    for short, long in zip(hostile(size), hostile(4 * size), strict=True):
        if seconds_for(read, long) > 0.05:
            growth = min(seconds_for(read, long) for _ in range(3)) / min(seconds_for(read, short) for _ in range(3))
            assert growth < 9, long[:40]


def seconds_for(read: Callable[[str], object], html: str) -> float:
    began = time.thread_time()
    read(html)
    return time.thread_time() - began


def test_many_levels_are_no_recursion() -> None:
    assert plain_text_of("<div>" * 20_000 + "seen" + "</div>" * 20_000) == "seen"


def test_tags_of_templates_stay_unchanged() -> None:
    html = (
        '<p>Hi {{insert name "default=you > me"}}, {{#if (equals a "&lt;")}}x{{/if}}</p><img alt="{{insert a "b"}}">'
        '<a href="{{insert url "default=x"}}">go</a> <a href="{{{url}}}">{{{url}}}</a> <%body%>=""[%a | "<b>"%]'
    )
    assert plain_text_of(html) == (
        'Hi {{insert name "default=you > me"}}, {{#if (equals a "&lt;")}}x{{/if}}\n\n{{insert a "b"}}'
        'go ({{insert url "default=x"}}) {{{url}}} <%body%>=""[%a | "<b>"%]'
    )
