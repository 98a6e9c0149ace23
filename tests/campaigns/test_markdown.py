"""Markdown becomes HTML and plain text; anything outside the supported subset is dropped or escaped."""

from __future__ import annotations

from campaigns.markdown import render_markdown
from tests.examples import for_each


@for_each(
    ("text", "html"),
    [
        ("# One\n\nTwo\n===", "<h1>One</h1>\n<h1>Two</h1>"),
        ("**a** __b__ *c* _d_", "<p><strong>a</strong> <strong>b</strong> <em>c</em> <em>d</em></p>"),
        ('[a](https://x.example "t")', '<p><a href="https://x.example" title="t">a</a></p>'),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("1. a", "<ol>\n<li>a</li>\n</ol>"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("```\nx < y\n```", "<pre><code>x &lt; y\n</code></pre>"),
        ("![a](https://x.example/a.png)", '<p><img src="https://x.example/a.png" alt="a" /></p>'),
        ("---", "<hr />"),
        ("a & b < c", "<p>a &amp; b &lt; c</p>"),
        ("", ""),
    ],
)
def test_the_subset_is_html(text: str, html: str) -> None:
    assert render_markdown(text)[0] == html


@for_each(
    ("text", "html"),
    [
        ("a ~~b~~ c", "<p>a  c</p>"),
        ("a `b` c", "<p>a  c</p>"),
        ("a\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nb", "<p>a</p>\n<p>b</p>"),
        ("- [ ] a\n- b\n- [x] c", "<ul>\n<li>b</li>\n</ul>"),
        ("a <b onclick='x'>b</b> c", "<p>a b c</p>"),
        ("<div onclick='x'>a</div>\n\nb", "<p>b</p>"),
        ("<!-- a -->", ""),
    ],
)
def test_the_rest_is_left_out(text: str, html: str) -> None:
    assert render_markdown(text)[0] == html


@for_each(
    "target",
    [
        *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "vbscript:x", "data:text/html;base64,x", "file:///etc/passwd"),
        *("&#106;avascript:alert(1)", "java&#x0A;script:alert(1)", "<javascript:alert(1)>"),
    ],
)
def test_no_script_is_behind_a_link(target: str) -> None:
    for text in (f"[a]({target})", f"![a]({target})", f"[a][r]\n\n[r]: {target}", f"<{target.strip('<>')}>"):
        html = render_markdown(text)[0]
        assert "href" not in html
        assert "src" not in html


def test_tags_stay_as_they_are() -> None:
    text = (
        'Hi {{first_name}} and [%last_name | my friend%] {{insert city "default=there"}} **{{{country}}}**\n\n'
        "[Shop](https://x.example/?to={{email}}&x=[%external_id%]) [Leave]([unsubscribe]) [Sender_Name] {{Sender_City}}"
    )
    assert render_markdown(text)[0] == (
        '<p>Hi {{first_name}} and [%last_name | my friend%] {{insert city "default=there"}} '
        "<strong>{{{country}}}</strong></p>\n"
        '<p><a href="https://x.example/?to={{email}}&amp;x=[%external_id%]">Shop</a> '
        '<a href="[unsubscribe]">Leave</a> [Sender_Name] {{Sender_City}}</p>'
    )


def test_no_markup_comes_through_a_tag() -> None:
    for text in ("{{<script>alert(1)</script>}}", "[%a | <img src=x onerror=y>%]", "{{a&#60;script}}"):
        assert "<script" not in render_markdown(text)[0]
        assert "<img" not in render_markdown(text)[0]


def test_the_plain_text_is_the_text_that_a_reader_sees() -> None:
    assert render_markdown("# One\n\nTwo [three](https://x.example)\n\n- four")[1] == (
        "One\n\nTwo three (https://x.example)\n\n- four"
    )
