"""Test mail with a template: dynamic, legacy, of a campaign, and in the wrapper of its account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from content.models import VersionContent
from mailer.compose.mime import Composer, date_field
from mailer.compose.source import CONTENTS, ContentCache, Unrenderable
from mailer.models import Mail
from mailer.suppressions.links import Link, seal
from tests.mailer.compose.composed import DATE, parse

BASE = "https://mail.example.com"
URL = f"{BASE}/u/{seal(Link(3, 0, 512, 'to@example.com'))}"
PLAIN, HTML = "text/plain", "text/html"


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Empty the cache before each test, and after it: the ids of the contents here may be those of stored ones."""
    CONTENTS._contents.clear()
    yield
    CONTENTS._contents.clear()


def compose(personal: dict[str, Any] | None = None, **fields: Any) -> tuple[str, dict[str, str]]:
    """Return the subject of a message, and its bodies by their types."""
    mail = Mail(account_id=3, sender="from@example.com", public_id="A" * 22, **{"content": [], **fields})
    composer = Composer(mail, message_id_domain="sluice.test", public_url=BASE)
    message = parse(composer.compose(512, "To@example.com", personal, date=date_field(DATE)))
    parts = message.iter_parts() if message.is_multipart() else [message]
    texts = {part.get_content_type(): part.get_content().replace("\r\n", "\n").rstrip("\n") for part in parts}
    return message["Subject"], texts


def dynamic(**fields: Any) -> VersionContent:
    return VersionContent(pk=1, is_dynamic=True, **fields)


def legacy(**fields: Any) -> VersionContent:
    return VersionContent(pk=1, is_dynamic=False, **fields)


def content(**texts: str) -> list[dict[str, str]]:
    return [{"type": f"text/{kind}", "value": value} for kind, value in texts.items()]


def test_a_dynamic_template_is_filled_with_the_data_of_each_message() -> None:
    template = dynamic(
        subject="For {{name}}", plain="Hi {{{name}}}", html="<p>Hi {{name}}{{#if vip}}, VIP{{else}}, you{{/if}}</p>"
    )
    for data, greeting in (({"name": "A & B", "vip": True}, "VIP"), ({"name": "A & B"}, "you")):
        subject, bodies = compose({"data": data}, template=template, subject="Hello", content=content(plain="Not sent"))
        assert subject == "For A &amp; B"
        assert bodies == {PLAIN: "Hi A & B", HTML: f"<p>Hi A &amp; B, {greeting}</p>"}


def test_the_subject_of_a_dynamic_template_precedes_those_of_mail_and_message() -> None:
    for subject, expected in (("Ours", "Ours"), (" ", "Own")):
        assert compose({"subject": "Own"}, template=dynamic(subject=subject, html="x"), subject="Mail")[0] == expected
        CONTENTS._contents.clear()


def test_a_dynamic_template_without_bodies_sends_those_of_the_request() -> None:
    assert compose(template=dynamic(subject="x"), content=content(plain="{{a}}")) == ("x", {PLAIN: "{{a}}"})


def test_tags_of_a_dynamic_template_and_of_its_data_become_links() -> None:
    template = dynamic(html="{{unsubscribe}} {{{ Unsubscribe_Preferences }}} {{weblink}} {{Sender_Email}} {{{own}}}")
    _, bodies = compose({"data": {"own": "[Weblink]"}}, template=template, subject="x")
    assert bodies[HTML] == f"{URL}/all {URL}/preferences {URL}/view from@example.com {URL}/view"
    _, bodies = compose({"data": {"unsubscribe": "mine"}}, template=template, subject="x")
    assert bodies[HTML].startswith("mine ")
    CONTENTS._contents.clear()
    postal = dynamic(html="<{{Sender_City}}{{{ sender_zip }}}>")
    assert compose(template=postal)[1] == {HTML: "<>"}
    assert compose({"data": {"Sender_City": "Denver"}}, template=postal)[1] == {HTML: "<Denver>"}


def test_a_dynamic_template_gets_footer_and_wrapper() -> None:
    rendering = {"footer": {"text": "Imprint", "html": "<i>Imprint</i>"}}
    defaults = {"wrapper": "<body><% body %></body>", "footer": None}
    _, bodies = compose(
        {"data": {"a": "<% body %>"}},
        template=dynamic(plain="{{{a}}}", html="{{a}}"),
        rendering=rendering,
        defaults=defaults,
    )
    assert bodies == {PLAIN: "<% body %>\nImprint", HTML: "<body>&lt;% body %&gt;<i>Imprint</i></body>"}


def test_an_error_in_the_data_of_a_message_names_the_reason() -> None:
    template = dynamic(html='{{formatDate when "YYYY"}}')
    assert compose({"data": {"when": "2026-11-29"}}, template=template)[1] == {HTML: "2026"}
    with pytest.raises(Unrenderable, match=r"^template: formatDate cannot read"):
        compose({"data": {"when": "soon"}}, template=template)


def test_the_output_of_a_template_is_bounded(settings: Any) -> None:
    settings.MAX_MESSAGE_BYTES = 1000
    template = dynamic(html="{{#each list}}{{#each ../list}}x{{/each}}{{/each}}")
    assert compose({"data": {"list": [1] * 30}}, template=template)[1] == {HTML: "x" * 900}
    with pytest.raises(Unrenderable, match="1,000 characters"):
        compose({"data": {"list": [1] * 40}}, template=template)


def test_a_legacy_template_takes_subject_and_content_of_the_mail() -> None:
    template = legacy(subject="[News] <%subject%>", plain="T: <%body%>", html="<h1><%subject%></h1><%BODY%>")
    fields: dict[str, Any] = {"template": template, "subject": "For -n-", "content": content(plain="p -n-", html="h")}
    subject, bodies = compose({"substitutions": {"-n-": "Ann"}}, **fields)
    assert subject == "[News] For Ann"
    assert bodies == {PLAIN: "T: p Ann", HTML: "<h1>For Ann</h1>h"}
    subject, bodies = compose({"subject": "Own"}, **fields)
    assert (subject, bodies[HTML]) == ("[News] Own", "<h1>Own</h1>h")


def test_only_the_given_versions_of_a_legacy_template_are_sent() -> None:
    template = legacy(plain="T: <%body%>", html="<b><%body%></b>")
    assert compose(template=template, content=content(plain="p"))[1] == {PLAIN: "T: p"}
    assert compose(template=template, content=content(html="h"))[1] == {HTML: "<b>h</b>"}
    assert compose(template=template)[1] == {PLAIN: "T: ", HTML: "<b></b>"}
    CONTENTS._contents.clear()
    only_html = legacy(html="<b><%body%></b>")
    assert compose(template=only_html, content=content(plain="p", html="h"))[1] == {PLAIN: "p", HTML: "<b>h</b>"}


def test_tags_in_the_data_of_a_campaign_are_no_tags() -> None:
    personal = {
        "data": {"name": "[weblink] {{{unsubscribe}}}", "vip": True},
        "merge": {"[%city%]": "<%asm_global_unsubscribe_raw_url%>"},
    }
    html = "{{{name}}} [%city%] {{#if vip}}<a href='[Unsubscribe]'>out</a>{{/if}} {{ weblink }}"
    fields: dict[str, Any] = {"rendering": {"handlebars": True}, "subject": "{{{name}}} [weblink]"}
    subject, bodies = compose(personal, content=content(html=html), **fields)
    assert " ".join(subject.split()) == f"[weblink] {{{{{{unsubscribe}}}}}} {URL}/view"
    assert bodies[HTML] == (
        "[weblink] {{{unsubscribe}}} &lt;%asm_global_unsubscribe_raw_url%&gt; "
        f"<a href='{URL}/all'>out</a> {URL}/view"
    )


def test_the_headers_of_a_campaign_have_their_links() -> None:
    mail = Mail(
        account_id=3,
        sender="from@example.com",
        public_id="A" * 22,
        content=content(html="{{#if a}}x{{/if}}y"),
        headers={"List-Unsubscribe": "<<%asm_global_unsubscribe_raw_url%>>"},
        rendering={"handlebars": True},
    )
    composer = Composer(mail, message_id_domain="sluice.test", public_url=BASE)
    message = parse(composer.compose(512, "To@example.com", {"data": {}}, date=date_field(DATE)))
    assert "".join(message["List-Unsubscribe"].split()) == f"<{URL}/all>"


def test_a_campaign_that_hides_its_link_gets_the_link_of_its_group() -> None:
    html, fields = "{{#if vip}}[Unsubscribe]{{/if}}x{{{name}}}", {"rendering": {"handlebars": True}, "subject": "x"}
    for data, has_footer in (({"vip": True}, False), ({"name": "[unsubscribe]"}, True)):
        _, bodies = compose({"data": data}, content=content(html=html), unsubscribe_group_id=7, **fields)
        assert ("Manage Email Preferences" in bodies[HTML]) is has_footer, data


def test_the_wrapper_of_an_account_surrounds_html_alone() -> None:
    fields: dict[str, Any] = {"subject": "x", "content": content(plain="p", html="h -n-")}
    wrapper = "<html>-n- <%body%></html>"
    _, bodies = compose({"substitutions": {"-n-": "Ann"}}, defaults={"wrapper": wrapper}, **fields)
    assert bodies == {PLAIN: "p", HTML: "<html>Ann h Ann</html>"}
    assert compose(defaults={"wrapper": "no place"}, **fields)[1] == {PLAIN: "p", HTML: "h -n-"}
    assert compose(defaults={"wrapper": wrapper}, rendering={"wrapper": None}, **fields)[1][HTML] == "h -n-"


def test_a_link_of_the_caller_has_its_tags_filled_in() -> None:
    url = "https://shop.example/out?from={{Sender_Email}}&page=[Weblink]"
    fields: dict[str, Any] = {"subject": "x", "content": content(plain="[unsubscribe] {{weblink}}")}
    token = seal(Link(3, 0, 512, "to@example.com"))
    page = f"https%3A%2F%2Fmail.example.com%2Fu%2F{token}%2Fview"
    _, bodies = compose(unsubscribe_url=url, **fields)
    assert bodies[PLAIN] == f"https://shop.example/out?from=from%40example.com&page={page} {URL}/view"
    for tag, page in (("{{ weblink }}", "/view"), ("[Unsubscribe]", "/all")):
        assert compose(unsubscribe_url=tag, **fields)[1][PLAIN] == f"{URL}{page} {URL}/view", tag


def test_contents_of_templates_are_compiled_once_and_cached_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContentCache, "CHARACTERS", 100)
    cache, loads = ContentCache(), []

    def load(number: int) -> VersionContent:
        loads.append(number)
        return VersionContent(pk=number, is_dynamic=True, html="x" * 40)

    for number in (1, 2, 1, 3, 1, 2):
        loaded = cache.get(number, lambda number=number: load(number))  # type: ignore[misc]
        assert loaded.content.pk == number
    assert loads == [1, 2, 3, 2], "the one that was not used for the longest time is removed"
