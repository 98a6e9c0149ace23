"""Every API sends each family of tags of a campaign in text and HTML, and names in its words what it cannot send."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from html import escape
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from django.conf import settings

from api.soap.codes import Code
from audience.models import ContactList
from campaigns.models import Sender
from content.handlebars import escape as escape_handlebars
from mailer.models import UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from tests.api.conftest import ApiClient
from tests.api.soap.envelopes import PARTNER, Reply, envelope, post, user
from tests.campaigns.building import add_contacts, add_list, add_sender, run_fleet
from tests.examples import few_by_default, further
from tests.outcomes import stored_events
from tests.peer import CountingPeer

APIS = ("legacy", "single sends", "easymail", "soap")
NAME, SENDER_NAME = "A & <b>", "News & <Co>"
LINKS = {
    "[unsubscribe]": "",
    "[ Unsubscribe ]": "",
    "{{UNSUBSCRIBE}}": "",
    "{{{ unsubscribe }}}": "",
    "[Unsubscribe_Preferences]": "/preferences",
    "{{{ unsubscribe_preferences }}}": "/preferences",
    "[Weblink]": "/view",
    "{{ weblink }}": "/view",
}
"""The tags of links, with the ends of their addresses in mail of a group."""
TAGS_OF_GROUPS = {
    "<%asm_group_unsubscribe_raw_url%>": "",
    "<% ASM_global_unsubscribe_raw_url %>": "/all",
    "<%asm_preferences_raw_url%>": "/preferences",
}
VALUES = {
    "[Sender_Name]": (SENDER_NAME, escape(SENDER_NAME)),
    "{{ SENDER_name }}": (SENDER_NAME, escape(SENDER_NAME)),
    "{{{Sender_City}}}": ("Town", "Town"),
    "[%first_name | friend%]": (NAME, escape(NAME)),
    "[%last_name | friend%]": ("friend", "friend"),
    "{{first_name}}": (escape_handlebars(NAME),) * 2,
    "{{{First_Name}}}": (NAME, NAME),
    '{{insert city "default=Rome"}}': ("Rome", "Rome"),
}
"""Tags with their values in text, and in HTML."""
BLOCKS = {
    '{{#if first_name}}Dear{{else}}Hello{{/if}} {{#equals city "Rome"}}a{{else}}b{{/equals}}{{! no }}': ("Dear b",) * 2
}
UNRESOLVED = re.compile(r"\[%|%\]|\{\{|\}\}|<%|%>|\[\s*(?:unsub|weblink|sender)", re.IGNORECASE)


class Content(NamedTuple):
    """The texts of a campaign."""

    subject: str
    plain: str
    html: str
    markdown: str


def content_with(tags: list[str]) -> Content:
    """Return a content in which each tag is in the text, in HTML, and in the address of a link."""
    numbered = list(enumerate(tags))
    links = [(number, tag) for number, tag in numbered if tag in LINKS]
    values = " ".join(tag for tag in tags if tag in VALUES)
    return Content(
        f"News: {values}",
        "\n".join(f"{number}={tag};" for number, tag in numbered),
        "".join(f"<p>{number}={tag};</p>" for number, tag in numbered)
        + "".join(f'<a href="{tag}">{number}</a>' for number, tag in links),
        "\n\n".join([f"{number}={tag};" for number, tag in numbered] + [f"[{number}]({tag})" for number, tag in links]),
    )


class Caller:
    """A client that creates and sends a campaign to one list, from one sender, in any API."""

    def __init__(self, client: ApiClient) -> None:
        self.client = client
        account = client.account
        contacts = add_contacts(account, ["ada@example.com"], first_name=NAME)
        self.list: ContactList = add_list(account, contacts)
        self.sender = add_sender(account)
        Sender.objects.update(from_name=SENDER_NAME)
        self.group = UnsubscribeGroup.objects.create(account=account, name="news").pk

    def create(self, api: str, content: Content, **more: Any) -> Any:
        """Return the answer to a new campaign. SOAP sends it at once."""
        parts = {"sender_id": self.sender.pk, "subject": content.subject}
        parts |= more or {"suppression_group_id": self.group}
        texts = {"html_content": content.html, "plain_content": content.plain}
        if api == "legacy":
            body = {"title": "x", "list_ids": [self.list.pk], **parts, **texts}
            return self.client.post("/v3/campaigns", body)
        if api == "single sends":
            to = {"list_ids": [str(ContactList.objects.get(pk=self.list.pk).uuid)]}
            body = {"name": "x", "send_to": to, "email_config": {**parts, **texts, "generate_plain_content": False}}
            return self.client.post("/v3/marketing/singlesends", body)
        if api == "easymail":
            body = {
                "name": "x",
                "subject": content.subject,
                "preheader": content.subject,
                "content": content.markdown,
                "from_identity": str(Sender.objects.get(pk=self.sender.pk).uuid),
                "list_uuid": str(ContactList.objects.get(pk=self.list.pk).uuid),
            }
            return self.client.post("/api/v1/campaigns", body)
        return self._send(content)

    def _send(self, content: Content) -> Reply:
        texts = {"Subject": content.subject, "HTMLBody": content.html, "TextBody": content.plain}
        email = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())
        send = (
            f'<Objects xsi:type="Send"><Email>{email}</Email><List><ID>{self.list.pk}</ID></List>'
            "<FromAddress>news@example.com</FromAddress></Objects>"
        )
        body = f'<CreateRequest xmlns="{PARTNER}">{send}</CreateRequest>'
        return post(envelope(body, user(self.client.account.username, self.client.key_text)))

    def send(self, api: str, content: Content, **more: Any) -> None:
        """Create a campaign and send it."""
        answer = self.create(api, content, **more)
        if api == "soap":
            assert answer.overall == "OK", answer.content
            return
        assert answer.status_code == 201, answer.content
        made = answer.json()
        if api == "legacy":
            answer = self.client.post(f"/v3/campaigns/{made['id']}/schedules/now")
        elif api == "single sends":
            answer = self.client.put(f"/v3/marketing/singlesends/{made['id']}/schedule", {"send_at": "now"})
        else:
            answer = self.client.post(f"/api/v1/campaigns/{made['data']['uuid']}/send")
        assert answer.status_code == {"legacy": 201, "single sends": 201, "easymail": 200}[api], answer.content


@pytest.fixture
def caller(client_of_alice: ApiClient) -> Caller:
    return Caller(client_of_alice)


class Received(NamedTuple):
    """The mail that a peer has taken."""

    message: Any
    plain: str
    html: str


def receive(deliverer: Deliverer, peer: CountingPeer) -> Received:
    """Deliver everything, and return the one mail that is sent."""
    run_fleet(deliverer)
    assert peer.recipients == ["ada@example.com"], [event.reply for event in stored_events()]
    message: Any = message_from_bytes(peer.ledger.pop().data, policy=policy.default)
    plain, html = (message.get_body((kind,)).get_content().replace("\r\n", "\n") for kind in ("plain", "html"))
    return Received(message, plain, html)


@pytest.mark.parametrize("api", few_by_default(APIS, "single sends"))
def test_every_family_of_tags_is_sent_in_text_and_html(
    api: str, caller: Caller, deliverer: Deliverer, peer: CountingPeer
) -> None:
    # Markdown has no tags with angle brackets, and mail of Easymail has no group.
    ends = LINKS if api == "easymail" else LINKS | TAGS_OF_GROUPS
    leave = "/all" if api == "easymail" else ""
    for values in (VALUES, VALUES | BLOCKS):
        tags = [*ends, *values]
        caller.send(api, content_with(tags))
        message, plain, html = receive(deliverer, peer)

        for kind, text in (("text", plain), ("html", html), ("subject", message["Subject"])):
            assert UNRESOLVED.search(text) is None, (kind, text)
        shown = {
            "text": dict(re.findall(r"^(\d+)=(.*);$", plain, re.MULTILINE)),
            "html": dict(re.findall(r"<p>(\d+)=(.*?);</p>", html)),
            "href": {number: url for url, number in re.findall(r'<a href="([^"]*)">(\d+)</a>', html)},
        }
        for number, tag in enumerate(tags):
            if tag in ends:
                for kind in ("text", "html", "href") if tag in LINKS else ("text", "html"):
                    url = shown[kind][str(number)]
                    end = ends[tag] or leave
                    assert url.startswith(f"{settings.PUBLIC_URL}/u/"), (tag, kind, url)
                    assert re.fullmatch(rf"[\w-]+{end}", url.rpartition("/u/")[2]), (tag, kind, url)
            else:
                assert (shown["text"][str(number)], shown["html"][str(number)]) == values[tag], tag
        assert message["Subject"] == "News: " + " ".join(value for value, _ in VALUES.values())


@further
@pytest.mark.parametrize("api", few_by_default(["legacy", "single sends"], "single sends"))
def test_a_custom_link_may_have_tags(api: str, caller: Caller, deliverer: Deliverer, peer: CountingPeer) -> None:
    url = "https://x.example/?s=[Sender_Name]&w={{ Weblink }}&c=[ sender_city ]"
    for block in ("", "{{#if city}}x{{/if}}"):
        content = Content("x", f"[Unsubscribe]{block}", f'<a href="[Unsubscribe_Preferences]">x</a>{block}', "")
        caller.send(api, content, custom_unsubscribe_url=url)
        message, plain, html = receive(deliverer, peer)
        link = plain.strip()
        assert re.fullmatch(r"https://x\.example/\?s=News%20%26%20%3CCo%3E&w=http[\w%.-]*%2Fview&c=Town", link), link
        assert unquote(link).partition("&w=")[2].startswith(f"{settings.PUBLIC_URL}/u/")
        assert f'<a href="{escape(link)}">x</a>' in html
        assert message["List-Unsubscribe"] == f"<{link}>"


def test_a_single_send_of_a_group_has_a_way_out_in_each_part_without_a_tag(
    caller: Caller, deliverer: Deliverer, peer: CountingPeer
) -> None:
    link = re.compile(rf"{re.escape(settings.PUBLIC_URL)}/u/[\w-]+(?![\w/-])")
    for block in ("", "{{#if city}}x{{/if}}"):
        caller.send("single sends", Content("x", f"a {block}", f'<a href="[unsubscribe]">a</a>{block}', ""))
        _, plain, html = receive(deliverer, peer)
        assert plain.startswith("a")
        assert len(link.findall(plain)) == 1
        assert len(link.findall(html)) == 1
        assert html.strip().endswith("a</a>")


@further
@pytest.mark.parametrize("api", few_by_default(["legacy", "single sends"], "legacy"))
def test_without_a_group_tags_to_unsubscribe_are_those_of_everything(
    api: str, caller: Caller, deliverer: Deliverer, peer: CountingPeer
) -> None:
    """Only Easymail sends campaigns without a group, but the other APIs send tests of them."""
    text = "[Unsubscribe] {{{ unsubscribe }}} <%asm_group_unsubscribe_raw_url%> [unsubscribe_preferences]"
    for block in ("", "{{#if city}}x{{/if}}"):
        made = caller.create(api, Content("x", text + block, f"<p>{text}</p>{block}", ""), custom_unsubscribe_url="")
        made = made.json()["id"]
        if api == "legacy":
            answer = caller.client.post(f"/v3/campaigns/{made}/schedules/test", {"to": "ada@example.com"})
        else:
            body = {"template_id": made, "emails": ["ada@example.com"], "sender_id": caller.sender.pk}
            answer = caller.client.post("/v3/marketing/test/send_email", body)
        assert answer.status_code == {"legacy": 204, "single sends": 202}[api], answer.content
        _, plain, html = receive(deliverer, peer)
        for part in (plain, html):
            ends = [url.partition("/u/")[2].partition("/")[2] for url in re.findall(r"http[^\s<]+", part)]
            assert ends == ["all", "all", "all", "preferences"], part


def test_each_api_names_the_text_and_the_place_of_a_wrong_template(caller: Caller) -> None:
    html, reason = "<p>\n{{#if city}}a{{/if}} {{foo bar}}</p>[unsubscribe]", 'unknown helper "foo"'
    content = Content("x", "[unsubscribe]", html, "x\n\n{{foo bar}}")
    text = f"line 2, column 24: {reason}"

    answer = caller.create("legacy", content)
    assert answer.status_code == 400
    assert answer.json() == {"errors": [{"field": "html_content", "message": text}]}
    answer = caller.create("single sends", content)
    assert answer.status_code == 400
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["message"]) == ("email_config.html_content", text)
    answer = caller.create("easymail", content)
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == {"content": [f"line 3, column 3: {reason}"]}
    answer = caller.create("soap", content)
    (result,) = answer.results
    assert result == ("Error", str(int(Code.INVALID_EMAIL)), f"The email failed validation: HTMLBody, {text}")

    made = caller.create("legacy", content._replace(html="[unsubscribe]")).json()["id"]
    answer = caller.client.patch(f"/v3/campaigns/{made}", {"subject": "[Sender_Foo]"})
    assert answer.status_code == 400
    problem = {"field": "subject", "message": "line 1, column 1: the tag [Sender_Foo] is not known"}
    assert answer.json() == {"errors": [problem]}
