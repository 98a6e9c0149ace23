"""Test the order in which a message is rendered, compared with a slow renderer that only this test has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from mailer.compose.mime import Composer, date_field, make_renderer
from mailer.compose.template import unify_breaks
from mailer.draft import Rendering
from mailer.models import Mail
from mailer.suppressions.links import Link, seal
from tests.mailer.compose.composed import DATE, parse

BASE = "https://mail.example.com"
ANN, BOB = ["from@example.com", "Ann & Co"], ["bob@example.com", ""]
TAGS = {
    "[Unsubscribe]": "unsubscribe",
    "{{{ unsubscribe_preferences }}}": "preferences",
    "{{WebLink}}": "weblink",
    "[Sender_Name]": "sender",
    "[Sender_City]": "city",
    "<%asm_group_unsubscribe_url%>": "group link",
    "<% asm_global_unsubscribe_raw_url %>": "global",
    "%pixel%": "removed",
    "%out%": "out",
}
QUOTED = '"<%asm_preferences_url%>"'
PIECES = ["Hi ", "-a-", "-b-", "%s%", ":t:", "é", "\n", "<b>", "</body>", "<!--", "-->", "x" * 70, f" {QUOTED} ", *TAGS]
TAGS[QUOTED] = "quoted preferences"

texts = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
bodies = texts.map(lambda text: f"Body {text}")
substitutions = st.dictionaries(st.sampled_from(["-a-", "-b-", "%s%", "[Unsubscribe]", "subscribe"]), texts, max_size=3)
footers = st.fixed_dictionaries({"text": texts, "html": texts})
renderings = st.fixed_dictionaries(
    {},
    optional={
        "sections": st.dictionaries(st.sampled_from(["%s%", ":t:"]), texts, min_size=1),
        "footer": st.none() | footers,
        "subscription": st.none()
        | st.fixed_dictionaries(
            {"text": st.just("Out: <% %>"), "html": st.just("<% out & away %>"), "tag": st.sampled_from(["", "%out%"])}
        ),
        "pixel_tags": st.just(["%pixel%"]),
    },
)


class Case(NamedTuple):
    """A mail and one of its messages."""

    subject: str
    plain: str
    html: str
    rendering: Rendering
    personal: dict[str, Any]
    group: int | None

    @property
    def subscription(self) -> Any:
        return None if self.group else self.rendering.get("subscription")

    @property
    def own_tag(self) -> str:
        return (self.rendering.get("subscription") or {"tag": ""})["tag"]


def expand(text: str, keys: Mapping[str, str], sections: Mapping[str, str], kinds: str, level: int = 1) -> str:
    """Replace keys of substitutions ("v") and of sections ("s") at each place, the longest first."""
    made, at = "", 0
    while at < len(text):
        matches = [(key, "v") for key in keys if "v" in kinds and text.startswith(key, at)]
        matches += [(key, "s") for key in sections if "s" in kinds and text.startswith(key, at)]
        if not matches or level > 4:
            made, at = made + text[at], at + 1
            continue
        key, kind = max(matches, key=lambda each: len(each[0]))
        value, other = (keys[key], "s") if kind == "v" else (sections[key], "v")
        made, at = made + expand(value, keys, sections, other, level + 1), at + len(key)
    return made


def tags_in(text: str) -> list[tuple[str, str]]:
    """Return the text in pieces, each with the name of the tag that it is, or ""."""
    pieces, at = [], 0
    while at < len(text):
        tag = max((each for each in TAGS if text.startswith(each, at)), key=len, default=text[at])
        pieces.append((tag, TAGS.get(tag, "")))
        at += len(tag)
    return pieces


def replaced(case: Case, text: str, *, is_html: bool) -> str:
    alone = "cc" not in case.personal
    url = f"{BASE}/u/{seal(Link(3, case.group or 0, 512, 'to@example.com' if alone else ''))}"
    email, name = case.personal.get("from", ANN)
    is_on = case.group or case.subscription is not None
    leave = "" if case.group else "/all"
    values = {"weblink": f"{url}/view", "sender": name or email, "global": f"{url}/all"}
    values |= {"quoted preferences": f'"{url}/preferences"'}
    if is_on:
        values |= {"unsubscribe": url + leave, "preferences": f"{url}/preferences", "group link": url + leave}
    if case.own_tag:
        values["out"] = url + leave
    if "pixel_tags" in case.rendering:
        values["removed"] = ""
    pieces = []
    for piece, tag in tags_in(text):
        value = values.get(tag, piece)
        if tag == "group link" and is_html and tag in values:
            value = f'<a href="{value}">Unsubscribe From This List</a>'
        pieces.append(escape(value) if tag == "sender" and is_html else value)
    return "".join(pieces)


def appended(case: Case, body: str, *, is_html: bool) -> str:
    kind = "html" if is_html else "text"
    footer = (case.rendering.get("footer") or {"text": "", "html": ""})[kind]
    ways_out = {"unsubscribe", "preferences", "group link", "global", "quoted preferences"}
    if case.own_tag:
        ways_out.add("out")
    way_out = ""
    shown = [re.sub(r"(?s)<!--.*?(-->|$)", "", text) if is_html else text for text in (body, footer)]
    if not any(tag in ways_out for _, tag in tags_in("\0".join(shown))):
        if case.group:
            way_out = (
                '<p><%asm_group_unsubscribe_url%> | <a href="<%asm_preferences_url%>">Manage Email Preferences</a></p>'
                if is_html
                else "Unsubscribe From This List: [Unsubscribe]\nManage Email Preferences: "
                "{{{ unsubscribe_preferences }}}\n"
            )
        elif case.subscription and case.subscription["tag"]:
            way_out = (
                '<p>To stop receiving these emails, <a href="<% asm_global_unsubscribe_raw_url %>">unsubscribe here'
                "</a>.</p>"
                if is_html
                else "To stop receiving these emails, open this address: [Unsubscribe]\n"
            )
        elif case.subscription:
            way_out = '<a href="[Unsubscribe]">out & away</a>' if is_html else "Out: [Unsubscribe]"
    return "".join([text if is_html else f"\n{text}" for text in (footer, way_out) if text])


def reference(case: Case) -> tuple[str, str, str]:
    """Return the subject and the bodies, made step by step."""
    keys = case.personal.get("substitutions", {})
    sections = case.rendering.get("sections") or {}
    subject, plain, html = (
        expand(text, keys, sections, "vs")
        for text in (case.personal.get("subject", case.subject), case.plain, case.html)
    )
    plain += appended(case, plain, is_html=False)
    end = html.rfind("</body>")
    end = len(html) if end < 0 else end
    html = html[:end] + appended(case, html, is_html=True) + html[end:]
    return (
        replaced(case, subject, is_html=False),
        replaced(case, plain, is_html=False),
        replaced(case, html, is_html=True),
    )


cases = st.builds(
    Case,
    texts.map(lambda text: "Subject " + text.replace("\n", "")),
    bodies,
    bodies,
    renderings,
    st.fixed_dictionaries(
        {},
        optional={
            "substitutions": substitutions,
            "subject": st.just("Own -a- [Sender_Name]"),
            "from": st.just(BOB),
            "cc": st.just([["cc@example.com", ""]]),
        },
    ),
    st.sampled_from([None, 7]),
)


def mail_of(case: Case) -> Mail:
    return Mail(
        account_id=3,
        sender=ANN[0],
        sender_name=ANN[1],
        subject=case.subject,
        content=[{"type": "text/plain", "value": case.plain}, {"type": "text/html", "value": case.html}],
        public_id="A" * 22,
        rendering={**case.rendering, "brings_tags": True},
        unsubscribe_group_id=case.group,
    )


def normal(text: str) -> str:
    return unify_breaks(text).rstrip("\n")


FOOTER: Rendering = {"footer": {"text": "Imprint", "html": "<i>Imprint</i>"}}


@example(Case("x", "%s%", "%s%", {"sections": {"%s%": "[Unsubscribe]"}}, {}, 7))
@example(Case("x", "x", "<body>a</body></body>", FOOTER, {}, None))
@example(Case("x", "x", "a-a-</body>", FOOTER, {"substitutions": {"-a-": "</body>"}}, None))
@example(Case("x", "<!-- [Unsubscribe] -->", "x<!-- [Unsubscribe] -->", {}, {}, 7))
@example(Case("x", "x", "-a-[Unsubscribe]", {}, {"substitutions": {"-a-": "<!--"}}, 7))
@example(Case("x", "%out%", "%out%", {"subscription": {"text": "", "html": "", "tag": "%out%"}}, {}, 7))
@given(cases)
def test_a_message_is_rendered_in_the_documented_order(case: Case) -> None:
    expected = reference(case)
    mail = mail_of(case)
    renderer = make_renderer(mail, BASE)
    assert renderer is not None
    whole = renderer.render(512, "To@example.com", case.personal)
    assert (whole.subject, *whole.texts) == expected
    composer = Composer(mail, message_id_domain="sluice.test", public_url=BASE)
    message = parse(composer.compose(512, "To@example.com", case.personal, date=date_field(DATE)))
    plain, html = message.iter_parts()
    assert normal(plain.get_content()) == normal(expected[1])
    assert normal(html.get_content()) == normal(expected[2])
    assert " ".join(message["Subject"].split()) == " ".join(expected[0].split())
