"""Test the links and the pixel of tracked mail: what is rewritten, and that nothing else is changed."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailer.compose.mime import Composer, date_field, make_renderer
from mailer.compose.template import unify_breaks
from mailer.draft import Address, Rendering
from mailer.models import Mail
from mailer.sealing import BadLink
from mailer.tracking.parameters import add_parameters
from mailer.tracking.places import SKIPPED, find_links
from mailer.tracking.rewriting import LONGEST_URL, MOST_LINKS
from mailer.tracking.tokens import SEVERAL, TrackedMessage, sealer, unseal_click, unseal_message
from tests.examples import for_each
from tests.mailer.compose.composed import DATE, parse

BASE, TRACKING = "https://mail.example.com", "https://t.example.com"
TRACKED_URL = re.compile(rf"{TRACKING}/c/([\w-]+)\.([\w-]+)")
PIXEL = re.compile(rf'<img src="{TRACKING}/o/([\w-]+)\.gif"[^>]*>')
CLICKS: Rendering = {"clicks": {"in_text": False}}
MAIL_ID, MESSAGE_ID = 77, 512


def mail_of(html: str, rendering: Rendering, text: str = "x", **fields: Any) -> Mail:
    content = [{"type": "text/plain", "value": text}, {"type": "text/html", "value": html}]
    fields = {"subject": "Hello", "sender": "from@example.com", "public_id": "A" * 22, **fields}
    return Mail(pk=MAIL_ID, account_id=3, content=content, rendering=rendering, **fields)


def compose(mail: Mail, personal: dict[str, Any] | None = None) -> tuple[str, str]:
    """Return both texts of a message as a reader sees them."""
    composer = Composer(mail, message_id_domain="sluice.test", public_url=BASE, tracking_url=TRACKING)
    message = parse(composer.compose(MESSAGE_ID, "to@example.com", personal, date=date_field(DATE)))
    plain, html = (unify_breaks(part.get_content()).rstrip("\n") for part in message.iter_parts())
    return plain, html


def render(mail: Mail, personal: dict[str, Any] | None = None, *, is_tracked: bool = True) -> tuple[str, ...]:
    """Return the texts of a message that is rendered as a whole."""
    renderer = make_renderer(mail, BASE, TRACKING if is_tracked else "")
    assert renderer is not None
    return tuple(text.rstrip("\n") for text in renderer.render(MESSAGE_ID, "to@example.com", personal or {}).texts)


def html_of(html: str, rendering: Rendering = CLICKS, personal: dict[str, Any] | None = None, **fields: Any) -> str:
    """Return the HTML of a message, which is the same whenever its links are rewritten."""
    mail = mail_of(html, rendering, **fields)
    composed = compose(mail, personal)
    assert composed == render(mail, personal)
    return composed[1]


def restored(text: str) -> str:
    """Return a text with the addresses of its tracked links instead of the links."""
    return TRACKED_URL.sub(lambda match: unseal_click(*match.groups())[1].url, text)


def links_in(text: str) -> list[str]:
    return [unseal_click(*match.groups())[1].url for match in TRACKED_URL.finditer(text)]


@for_each(
    ("html", "urls"),
    [
        ('<a href="http://a.example/x?b=1&amp;c=2#d">x</a>', ["http://a.example/x?b=1&c=2#d"]),
        (
            '<a href="https://a.example/?a=1&region=eu&copy=2&deg;&lt&#65&notit;">x</a>',
            ["https://a.example/?a=1&region=eu&copy=2°<A&notit;"],
        ),
        ("<a class=b href='HTTPS://a.example/'>x</a>", ["HTTPS://a.example/"]),
        ('<map><area HREF = "https://a.example/ä b"></map>', ["https://a.example/ä b"]),
        ('<a href="https://a.example/?q=1" href="https://b.example/">x</a>', ["https://a.example/?q=1"]),
        (
            '<div title="<a href=\'https://a.example/\'>"><a href="https://b.example/">x</a></div>',
            ["https://b.example/"],
        ),
        ('<p/><a href="https://a.example/">a</a><a href="https://a.example/">b</a>', ["https://a.example/"] * 2),
    ],
)
def test_the_quoted_addresses_of_links_are_rewritten(html: str, urls: list[str]) -> None:
    rewritten = html_of(html)
    assert links_in(rewritten) == urls
    assert unescape(restored(rewritten)) == unescape(html)


@for_each(
    "html",
    [
        "<a href=https://a.example/>unquoted</a>",
        '<a href=" https://a.example/">x</a><a href="https://a.example/ ">x</a><a href="https://">x</a>',
        '<a href="mailto:a@example.com">x</a><a href="tel:1">x</a><a href="#top">x</a><a href="/x">x</a>',
        '<link href="https://a.example/s.css"><base href="https://a.example/"><img src="https://a.example/i.png">',
        '<!-- <a href="https://a.example/">x</a> --><style>a{}<a href="https://a.example/"></style>',
        '<a href="https://a.example/\tx">x</a>',
        f'<a href="https://a.example/{"x" * LONGEST_URL}">x</a>',
        f'<a href="{BASE}/u/token/all">ours</a>',
        '<a href="https://a.example/',
        '<a href="https://a.example/"',
    ],
)
def test_anything_else_stays_unchanged(html: str) -> None:
    assert html_of(html) == html


def test_links_to_unsubscribe_are_not_tracked() -> None:
    html = (
        '<a href="[unsubscribe]">out</a> <a href="<%asm_preferences_raw_url%>">which</a> <%asm_group_unsubscribe_url%>'
        ' <a href="[weblink]">view</a> <a href="https://a.example/">x</a>'
    )
    assert links_in(html_of(html, unsubscribe_group_id=7)) == ["https://a.example/"]
    own = html_of(html, unsubscribe_url="https://shop.example/out")
    assert links_in(own) == ["https://a.example/"]
    assert own.count("https://shop.example/out") == 3
    assert not links_in(html_of('<a href="https://shop.example/out">x</a>', unsubscribe_url="https://shop.example/out"))


def test_a_link_with_clicktracking_off_stays_and_the_attribute_is_removed() -> None:
    for attribute in ("clicktracking=off", 'clicktracking="OFF"', "ClickTracking = 'off'"):
        assert html_of(f'<a {attribute} href="https://a.example/">x</a>') == '<a href="https://a.example/">x</a>'
        assert html_of(f'<a href="https://a.example/" {attribute}>x</a>') == '<a href="https://a.example/">x</a>'
    glued = '<a clicktracking="off"href="https://a.example/">x</a>'
    assert html_of(glued) == '<a href="https://a.example/">x</a>'
    assert links_in(html_of('<a clicktracking="on" href="https://a.example/">x</a>')) == ["https://a.example/"]


def test_plain_text_is_tracked_on_request_alone() -> None:
    text = "See https://a.example/x?b=1&c=2, (http://b.example/) and mailto:a@example.com.\nxhttp://c.example/ http:// "
    text += "http://). A bracket (see https://d.example/a_(b)), https://d.example/a_(b)?!"
    assert compose(mail_of("x", CLICKS, text))[0] == text
    mail = mail_of("x", {"clicks": {"in_text": True}}, text)
    plain = compose(mail)[0]
    assert plain == render(mail)[0]
    urls = ["https://a.example/x?b=1&c=2", "http://b.example/", "https://d.example/a_(b)", "https://d.example/a_(b)"]
    assert links_in(plain) == urls
    assert restored(plain) == text


def test_the_first_thousand_links_of_a_mail_are_rewritten() -> None:
    link = '<a href="https://a.example/{}">x</a>\n'
    mail = mail_of("".join(map(link.format, range(MOST_LINKS))), {"clicks": {"in_text": True}}, "http://b.example/")
    plain, html = compose(mail)
    assert links_in(plain) == ["http://b.example/"]
    assert links_in(html) == [f"https://a.example/{number}" for number in range(MOST_LINKS - 1)]


def test_the_tokens_name_the_message_and_the_number_of_the_link() -> None:
    html = html_of('<a href="https://a.example/">x</a><a href="https://b.example/">x</a>')
    clicks = [unseal_click(*match.groups()) for match in TRACKED_URL.finditer(html)]
    assert [message for message, _ in clicks] == [TrackedMessage(3, MAIL_ID, MESSAGE_ID, 0)] * 2
    assert [(link.number, link.is_html) for _, link in clicks] == [(0, True), (1, True)]
    several = html_of('<a href="https://a.example/">x</a>', personal={"cc": [["cc@example.com", ""]]})
    ((link_token, token),) = TRACKED_URL.findall(several)
    assert unseal_click(link_token, token)[0].recipient == SEVERAL


def test_an_altered_token_is_refused() -> None:
    ((link, message),) = TRACKED_URL.findall(html_of('<a href="https://a.example/">x</a>'))
    for place in range(len(link)):
        altered = link[:place] + ("A" if link[place] != "A" else "B") + link[place + 1 :]
        with pytest.raises(BadLink):
            unseal_click(altered, message)
    for place in range(len(message) - 1):
        altered = message[:place] + ("A" if message[place] != "A" else "B") + message[place + 1 :]
        with pytest.raises(BadLink):
            unseal_click(link, altered)
        with pytest.raises(BadLink):
            unseal_message(altered)
    other = sealer().seal_message(3, MAIL_ID + 1, MESSAGE_ID, 0)
    assert unseal_message(other)
    with pytest.raises(BadLink):
        unseal_click(link, other)
    with pytest.raises(BadLink):
        unseal_message(link)


def test_the_pixel_is_last_in_the_body_or_in_the_place_of_its_tag() -> None:
    footer: Rendering = {"opens": True, "footer": {"text": "", "html": "<i>Imprint</i>"}}
    for html, before, after in (
        ("<body>Hi</body></html>", "<body>Hi<i>Imprint</i>", "</body></html>"),
        ("Hi", "Hi<i>Imprint</i>", ""),
    ):
        rewritten = html_of(html, footer)
        (pixel,) = PIXEL.finditer(rewritten)
        assert rewritten == f"{before}{pixel[0]}{after}"
        assert unseal_message(pixel[1]) == TrackedMessage(3, MAIL_ID, MESSAGE_ID, 0)
    tagged = mail_of("%open%<p>Hi</p></body>", {"opens": True, "pixel_tags": ["%open%"]}, "a %open%b")
    plain, html = compose(tagged)
    assert (plain, html) == render(tagged)
    assert plain == "a b"
    assert PIXEL.sub("", html) == "<p>Hi</p></body>"
    assert PIXEL.match(html)
    assert render(tagged, is_tracked=False) == ("a b", "<p>Hi</p></body>")
    off = mail_of("%open%<p>Hi</p>", {"opens": False, "pixel_tags": ["%open%"]})
    assert compose(off)[1] == "<p>Hi</p>"


def test_mail_without_tracking_has_no_renderer() -> None:
    nothing: Rendering = {"clicks": None, "opens": False, "utm": None}
    assert make_renderer(mail_of("x", nothing), BASE, TRACKING) is None


def test_links_get_parameters_that_they_do_not_have() -> None:
    utm = {"utm_source": "news", "utm_campaign": "a b&c"}
    for url, expected in (
        ("http://a.example", "http://a.example?utm_source=news&utm_campaign=a%20b%26c"),
        ("http://a.example/?", "http://a.example/?utm_source=news&utm_campaign=a%20b%26c"),
        ("http://a.example/?a=1#b?c", "http://a.example/?a=1&utm_source=news&utm_campaign=a%20b%26c#b?c"),
        ("http://a.example/?utm_source=own&", "http://a.example/?utm_source=own&utm_campaign=a%20b%26c"),
        ("http://a.example/?utm%5Fsource=&utm_campaign", "http://a.example/?utm%5Fsource=&utm_campaign"),
    ):
        assert add_parameters(url, utm) == expected
        html = f'<a href="{escape(url)}">x</a>'
        assert html_of(html, {"utm": utm}) == f'<a href="{escape(expected)}">x</a>'
        assert links_in(html_of(html, {"utm": utm, **CLICKS})) == [expected]
    assert html_of('<a clicktracking=off href="http://a.example">x</a>', {"utm": utm}) == (
        '<a href="http://a.example">x</a>'
    )


@for_each(
    ("html", "own", "is_early"),
    [
        ('<p title="-k-">-k-</p><a href="https://a.example/">x</a>', {"-k-": "Ann"}, True),
        ("<title>-k-</title><a href='https://a.example/?id=-k-&amp;b=1'>-k-</a>", {"-k-": "7&8"}, True),
        ('<a href="-k-">x</a><a href="[unsubscribe]">x</a>', {"-k-": "https://a.example/"}, True),
        ('<a href="-k-">x</a>', {"-k-": "mailto:a@example.com"}, False),
        ('<p title="-k-">x</p><a href="https://a.example/">x</a>', {"-k-": "Ann O'Hara"}, False),
        ('-k-<a href="https://a.example/">x</a>', {"-k-": '<a href="https://b.example/">y</a>'}, False),
        ('<p -k->x</p><a href="https://a.example/">x</a>', {"-k-": "Ann"}, False),
        ('<a href="https://a.example/[sender_name]-k-">x</a>', {"-k-": "Ann"}, False),
        ('<a href="https://a.example/100%-k--l-">x</a>', {"-k-": "%s", "-l-": "%"}, True),
        ('<a clicktracking=off href="https://a.example/-k-">x</a>', {"-k-": "Ann"}, False),
        ('/c/<a href="https://a.example/">x</a>', {"/c/": "a key that the address of a tracked link has"}, False),
        ('/c/<a href="https://a.example/-k-">x</a>', {"/c/": "and one that has keys as well", "-k-": "Ann"}, True),
    ],
)
def test_links_are_rewritten_early_unless_a_value_may_change_a_tag(
    html: str, own: dict[str, str], is_early: bool
) -> None:
    mail, personal = mail_of(html, CLICKS), {"substitutions": own}
    renderer = make_renderer(mail, BASE, TRACKING)
    assert renderer is not None
    filling = renderer.fill(MESSAGE_ID, "to@example.com", personal, Address("from@example.com"))
    assert (filling.whole is None) is is_early
    assert compose(mail, personal) == render(mail, personal)


PIECES = [
    '<a href="https://a.example/?x=1&amp;y=2">', "<a href='http://b.example/-k-'>", '<a href="-k-">', "</a>", "-k-",
    "-l-",
    '<img alt="-k-" title=\'-l-\'>', '<a clicktracking=off href="https://c.example/">', "<!-- ", " -->", "<", '"', "'",
    ">", "<title>", "</title>", '<p title="', "Hi ", "é", "&amp;", "https://d.example/", "http", "://", "[unsubscribe]",
    '<a href="[unsubscribe]">', '<a href="https://e.example/?[sender_email]">', "</body>", "\n", " ", "%open%", "/",
]  # fmt: skip
VALUES = [*PIECES, "Ann O'Hara", "off", "https://f.example/", 'x" href="https://g.example/', "a=", "s://h.example/"]
texts = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
values = st.lists(st.sampled_from(VALUES), max_size=2).map("".join)
keys = st.sampled_from(["-k-", "-l-", "href", "e", "https", '">', '-k-"', "<a", "=", "/c/"])
renderings = st.fixed_dictionaries(
    {},
    optional={
        "clicks": st.fixed_dictionaries({"in_text": st.booleans()}),
        "opens": st.just(value=True),
        "utm": st.just({"utm_source": "news"}),
        "footer": st.fixed_dictionaries({"text": texts, "html": texts}),
        "subscription": st.just({"text": "", "html": "", "tag": ""}),
        "pixel_tags": st.just(["%open%"]),
    },
)


@example('<a href="https://a.example/">', "https://a.example/", {"clicks": {"in_text": True}}, {"e": "f"})
@example('<a href="http://b.example/-k-">', "", {"clicks": {"in_text": False}}, {"-k-": 'x" href="https://g.example/'})
@example("<-k-", "x", {"clicks": {"in_text": False}}, {"-k-": 'a href="https://g.example/">'})
@example("<-k->", "ht-k-//a.example", {"clicks": {"in_text": True}}, {"-k-": "tp:"})
@given(texts, texts, renderings, st.dictionaries(keys, values, max_size=3))
def test_nothing_but_the_links_is_changed(html: str, text: str, rendering: Rendering, own: dict[str, str]) -> None:
    mail = mail_of(f"B{html}", {**rendering, "brings_tags": True}, f"B{text}")  # type: ignore[typeddict-item]
    personal = {"substitutions": own}
    if make_renderer(mail, BASE, TRACKING) is None:
        return
    composed, whole = compose(mail, personal), render(mail, personal)
    assert composed == tuple(text.replace("\r\n", "\n") for text in whole)
    if "utm" in rendering:
        return
    untracked = render(mail, personal, is_tracked=False)
    assert restored(whole[0]) == untracked[0]
    expected = without_marks(untracked[1], is_tracked="clicks" in rendering)
    assert unescape(without_tracking(whole[1]).rstrip("\n")) == unescape(expected)


def without_tracking(html: str) -> str:
    """Return HTML without pixels, with the escaped addresses of its tracked links."""
    return TRACKED_URL.sub(lambda match: escape(unseal_click(*match.groups())[1].url), PIXEL.sub("", html))


def without_marks(html: str, *, is_tracked: bool) -> str:
    """Return HTML without the attributes that tracking removes."""
    marks = [mark for _, mark in find_links(html) if mark] if is_tracked else []
    for start, end in reversed(marks):
        html = html[:start] + html[end:]
    return html


@given(st.lists(st.sampled_from([*PIECES, *VALUES, "<br/>", "<b x=", "</p x='", "<script>", "</script>", "="])))
def test_tags_are_skipped_as_they_are_read(pieces: list[str]) -> None:
    html = "".join(pieces)
    skipped = list(find_links(html))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mailer.tracking.places.SKIPPED", re.compile(""))
        assert skipped == list(find_links(html))
    assert SKIPPED.match(html) is not None
