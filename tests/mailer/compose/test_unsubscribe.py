"""Tags become links, merge values are data, and mail programs get the headers for unsubscribing."""

from __future__ import annotations

import re
from email.message import EmailMessage
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer.compose.mime import Composer, date_field
from mailer.compose.template import Template, Text, encode_text, unify_breaks, values_of
from mailer.models import Mail
from mailer.suppressions.links import Link, unseal
from tests.examples import for_each, further
from tests.mailer.compose.composed import DATE, parse, read

BASE = "https://mail.example.com"
CUSTOM = "https://shop.example/out?a=1&b=2"


def compose(text: str, html: str = "<p>x</p>", personal: dict[str, Any] | None = None, **fields: Any) -> EmailMessage:
    public_url = fields.pop("public_url", BASE)
    mail = Mail(
        account_id=3,
        sender="from@example.com",
        content=[{"type": "text/plain", "value": text}, {"type": "text/html", "value": html}],
        public_id="A" * 22,
        **{"subject": "Hello", **fields},
    )
    composer = Composer(mail, message_id_domain="sluice.test", public_url=public_url)
    return parse(composer.compose(512, "To@example.com", personal, date=date_field(DATE)))


def bodies(message: EmailMessage) -> tuple[str, str]:
    """Return both texts without their last line end."""
    plain, html = message.iter_parts()
    return plain.get_content().rstrip(), html.get_content().rstrip()


def token_of(url: str) -> str:
    assert url.startswith(f"{BASE}/u/")
    return url.removeprefix(f"{BASE}/u/").split("/")[0]


@for_each(
    ("tag", "page"),
    [
        ("<%asm_group_unsubscribe_raw_url%>", ""),
        ("<%asm_global_unsubscribe_raw_url%>", "/all"),
        ("<%asm_preferences_raw_url%>", "/preferences"),
        ("[unsubscribe]", ""),
        ("{{{unsubscribe}}}", ""),
        ("{{unsubscribe}}", ""),
        ("{{{unsubscribe_preferences}}}", "/preferences"),
    ],
)
def test_a_raw_tag_becomes_the_address_of_a_page(tag: str, page: str) -> None:
    plain, html = bodies(compose(tag, f'<a href="{tag}">x</a>', unsubscribe_group_id=7))
    assert html == f'<a href="{plain}">x</a>'
    assert plain.endswith(page)
    assert unseal(token_of(plain)) == Link(3, 7, 512, "to@example.com")


@pytest.mark.parametrize(
    ("tag", "words"),
    [
        ("<%asm_group_unsubscribe_url%>", "Unsubscribe From This List"),
        ("<%asm_global_unsubscribe_url%>", "Unsubscribe"),
        ("<%asm_preferences_url%>", "Manage Email Preferences"),
    ],
)
def test_another_tag_becomes_a_link_in_html_unless_it_is_an_attribute(tag: str, words: str) -> None:
    plain, html = bodies(
        compose(f"{tag}", f"{tag} <a href=\"{tag}\">a</a> <a href='{tag}'>b</a>", unsubscribe_group_id=7)
    )
    assert html == f'<a href="{plain}">{words}</a> <a href="{plain}">a</a> <a href=\'{plain}\'>b</a>'


def test_without_a_group_a_recipient_can_only_unsubscribe_globally() -> None:
    text = "[unsubscribe] <%asm_group_unsubscribe_raw_url%> <%asm_global_unsubscribe_raw_url%>"
    message = compose(text)
    brackets, group, everything = bodies(message)[0].split()
    assert (brackets, group) == ("[unsubscribe]", "<%asm_group_unsubscribe_raw_url%>")
    assert unseal(token_of(everything)) == Link(3, 0, 512, "to@example.com")
    assert message["List-Unsubscribe"] is None


def test_a_link_of_the_callers_takes_the_place_of_ours() -> None:
    message = compose("[unsubscribe]", '<a href="{{{unsubscribe}}}">x</a>', unsubscribe_url=CUSTOM)
    plain, html = bodies(message)
    assert plain == CUSTOM
    assert html == '<a href="https://shop.example/out?a=1&amp;b=2">x</a>'
    assert message["List-Unsubscribe"] == f"<{CUSTOM}>"
    assert message["List-Unsubscribe-Post"] is None, "nobody knows what their page does with a POST"


def test_mail_programs_get_the_headers_for_one_click_unsubscribing() -> None:
    message = compose("Hello", unsubscribe_group_id=7)
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = message["List-Unsubscribe"].strip("<>")
    assert unseal(token_of(url)) == Link(3, 7, 512, "to@example.com")


def test_one_click_is_only_for_https() -> None:
    message = compose("Hello", unsubscribe_group_id=7, public_url="http://localhost:8000")
    assert message["List-Unsubscribe"].startswith("<http://localhost:8000/u/")
    assert message["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "personal",
    [
        {"to": [["To@example.com", ""], ["b@example.com", ""]]},
        {"cc": [["b@example.com", ""]]},
        {"bcc": [["b@example.com", ""]]},
    ],
)
def test_the_link_of_a_message_to_several_names_no_recipient(personal: dict[str, Any]) -> None:
    message = compose("[unsubscribe]", personal=personal, unsubscribe_group_id=7)
    assert unseal(token_of(bodies(message)[0])).address == ""
    assert message["List-Unsubscribe"]
    assert message["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize("where", ["mail", "message"])
def test_a_header_of_the_caller_is_not_changed(where: str) -> None:
    own = {"list-unsubscribe": "<<%asm_group_unsubscribe_raw_url%>>"}
    personal = {"headers": {"LIST-UNSUBSCRIBE": "<https://own.example>"}} if where == "message" else None
    message = compose("x", personal=personal, headers=own if where == "mail" else {}, unsubscribe_group_id=7)
    (value,) = message.get_all("List-Unsubscribe")
    if where == "message":
        assert value == "<https://own.example>"
    else:
        assert unseal(token_of(value.replace("\r\n", "").replace(" ", "").strip("<>"))).group_id == 7
    assert message["List-Unsubscribe-Post"] is None


@for_each(
    "url",
    [
        "javascript:x",
        "https://a b",
        "https://a>\r\nBcc: x@y.z",
        "https://é.example",
        "x" * 2000,
        "https://" + "x" * 2000,
    ],
)
def test_a_link_that_fits_no_header_is_left_out(url: str) -> None:
    message = compose("[unsubscribe]", unsubscribe_url=url)
    assert message["List-Unsubscribe"] is None
    assert message["Bcc"] is None


def test_a_substitution_of_the_callers_beats_a_tag() -> None:
    """The part has no link of ours then, so the one for the group is added to it."""
    message = compose("[unsubscribe]", personal={"substitutions": {"[unsubscribe]": "mine"}}, unsubscribe_group_id=7)
    assert bodies(message)[0].startswith("mine\r\nUnsubscribe From This List: https://")


def test_values_of_legacy_tags_are_escaped_in_html_alone() -> None:
    evil = '"><script>alert(1)</script>&'
    personal = {"merge": {"[%name%]": evil}, "substitutions": {"-markup-": "<b>&</b>"}}
    message = compose("[%name%] -markup-", "<p>[%name%]</p>-markup-", personal, subject="For [%name%]")
    plain, html = bodies(message)
    assert plain == f"{evil} <b>&</b>"
    assert html == "<p>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;</p><b>&</b>"
    assert message["Subject"] == f"For {evil}"


def test_merge_values_bring_no_line_into_a_header() -> None:
    personal = {"merge": {"{{name}}": "Ann\r\nBcc: evil@example.com\n\nx"}}
    message = compose("{{name}}", personal=personal, subject="For {{name}}", headers={"X-Name": "{{name}}"})
    assert message["Bcc"] is None
    assert message["Subject"] == "For Ann Bcc: evil@example.com x"
    assert message["X-Name"] == "Ann Bcc: evil@example.com x"
    assert bodies(message)[0].splitlines() == ["Ann", "Bcc: evil@example.com", "", "x"]


pieces = st.lists(st.sampled_from(["-a-", "-b-", "é", "\n", ".", "x" * 70, " ", "%", "="]), max_size=12).map("".join)
data = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=90)


@further
@given(pieces, pieces, data, data)
def test_a_twofold_template_equals_the_text_encoded_as_a_whole(plain: str, html: str, merge: str, own: str) -> None:
    """The plain text and the HTML have different forms of the values."""
    texts = [
        Text(kind, value, encode_text(kind, value)) for kind, value in (("text/plain", plain), ("text/html", html))
    ]
    values = values_of({"merge": {"-a-": merge}, "substitutions": {"-b-": own}})
    for text, replacements in zip(texts, values, strict=True):
        filled = Template([text], ("-a-", "-b-"), is_twofold=True).fill([*values.plain.values(), *values.html.values()])
        if filled is not None:
            whole = unify_breaks(text.value)
            parts = [replacements.get(part, part) for part in split(whole)]
            assert read(filled) == read(encode_text(text.type, "".join(map(unify_breaks, parts))))
    assert unescape(values.html["-a-"]) == merge
    assert not set("<>\"'") & set(values.html["-a-"])


def split(text: str) -> list[str]:
    """Split at the two keys from the left, as their replacement does."""
    return re.split("(-a-|-b-)", text)
