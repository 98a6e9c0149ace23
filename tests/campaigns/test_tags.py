"""Test the tags and templates of a campaign: what is refused, what is filled in once, and the values of contacts."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection

from accounts.models import Account
from audience.fields import create_field
from audience.models import Contact, FieldType
from campaigns.contact_values import personal_sql
from campaigns.content import content_of
from campaigns.editing import create_campaign, edit_campaign
from campaigns.errors import InvalidContent
from campaigns.lifecycle import schedule_campaign, send_now
from campaigns.models import Campaign, Launch, Sender
from campaigns.states import CampaignStatus
from campaigns.tags import Tag
from campaigns.testing import send_test
from foundation.clock import database_now
from mailer.models import Mail, Message
from tests.campaigns.building import add_contacts, again, expand_all, ready_campaign, sweep_campaigns
from tests.conftest import Clock
from tests.examples import further

WRONG: list[tuple[str, str, tuple[int, int, str | None], str]] = [
    ("subject", "{{#if first_name}}Hi", (1, 4, None), "no end"),
    ("preheader", "{{frits first_name}}", (1, 3, "frits"), "unknown helper"),
    ("html_content", "<p>\n <b>{{#loop x}}</b>{{/loop}}", (2, 8, "loop"), "unknown helper"),
    ("plain_content", "{{#if a}}x{{/unless}}", (1, 4, None), "unless"),
    ("html_content", "a <a href='[Sender_Phone]'>", (1, 12, None), "[Sender_Phone]"),
    ("html_content", "\n<%asm_grp_unsubscribe_url%>", (2, 1, None), "<%asm_grp_unsubscribe_url%>"),
    ("plain_content", "x {{ unsubscribe_now }}", (1, 3, None), "unsubscribe_now"),
    ("subject", "[Weblink]", (1, 1, None), "[Weblink]"),
    ("preheader", "{{~unsubscribe~}}", (1, 1, None), "{{{unsubscribe}}}"),
    ("html_content", "<p>{{#if weblink}}a{{/if}}", (1, 4, None), "{{{weblink}}}"),
    ("html_content", "{{weblink}} {{#equals weblink 1}}a{{/equals}}", (1, 13, None), "{{{weblink}}}"),
    ("html_content", "[%first_name | {{last_name}}%]", (1, 1, None), "default"),
    ("custom_unsubscribe_url", "https://x.example/?a=[Unsubscribe]", (1, 22, None), "[Unsubscribe]"),
    ("custom_unsubscribe_url", "https://x.example/?a=[Sender_Shoe]", (1, 22, None), "[Sender_Shoe]"),
]
"""Texts that cannot be sent: the field, the text, the place and the helper of the error, and a part of its text."""
OWN_LINK: dict[str, Any] = {"suppression_group": None, "custom_unsubscribe_url": "https://x.example/"}


def test_what_cannot_be_sent_is_refused_when_it_is_saved(alice: Account) -> None:
    campaign = ready_campaign(alice, **OWN_LINK)
    for field, text, place, part in WRONG:
        with pytest.raises(InvalidContent) as refused:
            edit_campaign(alice, campaign.pk, {field: text})
        error = refused.value
        assert (error.field, error.line, error.column, error.helper) == (field, *place), text
        assert part in str(error), text
        assert str(error).startswith(f"line {place[0]}, column {place[1]}: "), text
        assert getattr(again(campaign), field) == getattr(campaign, field), text


@further
def test_what_was_saved_before_is_refused_when_it_is_sent(alice: Account) -> None:
    campaign = ready_campaign(alice, **OWN_LINK)
    stored = {field: getattr(campaign, field) for field, *_ in WRONG}
    for field, text, place, part in WRONG:
        # The tag of the unsubscribe link would be missing from a content without it.
        text = f"{text}[unsubscribe]" if field.endswith("_content") else text
        Campaign.objects.filter(pk=campaign.pk).update(**(stored | {field: text}))
        with pytest.raises(InvalidContent, match=rf"^line {place[0]}, column {place[1]}: ") as refused:
            send_now(alice, campaign.pk)
        assert refused.value.field == field
        assert part in str(refused.value), text
    with pytest.raises(InvalidContent):
        schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(days=1))
    with pytest.raises(InvalidContent):
        send_test(alice, campaign.pk, ["a@example.com"])
    assert not Launch.objects.exists()


def test_what_became_wrong_meanwhile_fails_at_its_time(alice: Account, clock: Clock) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(minutes=9))
    Campaign.objects.filter(pk=campaign.pk).update(subject="Hi {{#if first_name}}")
    clock.advance(seconds=480)
    sweep_campaigns()
    failed = again(campaign)
    failure = 'subject, line 1, column 7: the block "if" has no end'
    assert (failed.status, failed.failure) == (CampaignStatus.FAILED, failure)


def test_a_place_in_markdown_is_one_in_what_was_written(alice: Account) -> None:
    with pytest.raises(InvalidContent) as refused:
        create_campaign(alice, {"title": "x", "markdown": "# Hello\n\n*{{#each}}* a {{/each}}"})
    error = refused.value
    assert (error.field, error.line, error.column, error.helper) == ("markdown", 3, 5, "each")
    text = 'Hi\n\n{{#equals city "St. *Gallen*"}}*yes*{{else}}**no**{{/equals}} {{! a _comment_ }}'
    campaign = create_campaign(alice, {"title": "x", "markdown": text})
    assert campaign.html_content == (
        '<p>Hi</p>\n<p>{{#equals city "St. *Gallen*"}}<em>yes</em>{{else}}<strong>no</strong>{{/equals}} '
        "{{! a _comment_ }}</p>"
    )


def test_a_block_that_is_cut_by_the_plain_text_is_refused(alice: Account) -> None:
    html = "<title>{{#if city}}</title><p>a</p>{{/if}}"
    campaign = ready_campaign(alice)
    with pytest.raises(InvalidContent, match="plain text") as refused:
        edit_campaign(alice, campaign.pk, {"html_content": html, "plain_content": ""})
    assert (refused.value.field, refused.value.line) == ("html_content", 0)
    edit_campaign(alice, campaign.pk, {"html_content": html, "plain_content": "a"})


def test_a_field_of_the_account_may_have_a_name_like_a_system_tag(alice: Account, charlie: Account) -> None:
    create_field(charlie, "sender_shoe", FieldType.TEXT)
    campaign = ready_campaign(alice)
    with pytest.raises(InvalidContent):
        edit_campaign(alice, campaign.pk, {"subject": "{{Sender_Shoe}}"})
    create_field(alice, "sender_shoe", FieldType.TEXT)
    assert edit_campaign(alice, campaign.pk, {"subject": "{{Sender_Shoe}}"}).subject == "{{Sender_Shoe}}"
    with pytest.raises(InvalidContent):
        edit_campaign(alice, campaign.pk, {"subject": "[Sender_Shoe]"})


def test_texts_that_could_be_wrong_are_accepted(alice: Account) -> None:
    campaign = ready_campaign(alice)
    for text in (
        '{{#equals city "weblink"}}<a href="{{weblink}}">a</a>{{/equals}}',
        "[senders] [unsubscribe me] [Weblinks] <%subject%> [[unsubscribe]]",
        "@media screen{a{color:red}} }} [%",
        "{{#each this}}{{@key}}{{/each}}{{unsubscribe}}",
    ):
        assert edit_campaign(alice, campaign.pk, {"html_content": text}).html_content == text


@further
def test_a_template_reads_a_bounded_number_of_fields(alice: Account) -> None:
    campaign = ready_campaign(alice)
    blocks = [f"{{{{#if f{number}}}}}{{{{/if}}}}" for number in range(1_001)]
    with pytest.raises(InvalidContent, match="1,000 fields"):
        edit_campaign(alice, campaign.pk, {"html_content": "".join(blocks)})
    edit_campaign(alice, campaign.pk, {"html_content": "".join(blocks[1:])})


def test_tags_of_the_sender_are_filled_in_everywhere(alice: Account) -> None:
    texts = "[Sender_Name]|[ sender_name ]|{{SENDER_NAME}}|{{{ Sender_City }}}|[Sender_Address]|[Sender_Zip]"
    campaign = ready_campaign(
        alice,
        subject=f"{texts} {{{{first_name}}}}",
        preheader="<[Sender_Name]>",
        plain_content=texts,
        html_content=f"<p>{texts}</p>",
        suppression_group=None,
        custom_unsubscribe_url="https://x.example/?a=[sender_name]&b={{ Sender_City }}&c=[Weblink]",
    )
    Sender.objects.update(from_name="A & <B>", city='{{x}} "', address="1 Elm", address_2="Flat 2", zip="9")
    for extra in ("", "{{#if city}}a{{/if}}"):
        campaign.plain_content = texts + extra
        content = content_of(again_with(campaign))
        rendered = [content.subject, *(text for _, text in content.parts)]
        if extra:
            assert content.is_rendered
            rendered = [text.replace('{{{insert "" "default={"}}}', "{") for text in rendered]
        plain = 'A & <B>|A & <B>|A & <B>|{{x}} "|1 Elm, Flat 2|9'
        html = "A &amp; &lt;B&gt;|A &amp; &lt;B&gt;|A &amp; &lt;B&gt;|{{x}} &quot;|1 Elm, Flat 2|9"
        assert rendered[:2] == [f"{plain} {{{{first_name}}}}", plain + extra]
        assert rendered[2].startswith('<div style="display:none')
        assert rendered[2].endswith(f">&lt;A &amp; &lt;B&gt;&gt;</div><p>{html}</p>")
        assert content.unsubscribe_url == ("https://x.example/?a=A%20%26%20%3CB%3E&b=%7B%7Bx%7D%7D%20%22&c=[Weblink]")


def again_with(campaign: Campaign) -> Campaign:
    """Return the campaign with its sender read again."""
    assert campaign.sender is not None
    campaign.sender.refresh_from_db()
    return campaign


def test_content_is_rendered_only_where_tags_of_fields_are_not_enough(alice: Account) -> None:
    campaign = ready_campaign(alice)
    simple = 'a {{first_name}} {{{city}}} {{insert last_name "default=x"}} [%pet | dog%] [Unsubscribe] {{ Weblink }}'
    campaign.plain_content = campaign.html_content = simple
    content = content_of(campaign)
    assert (content.is_rendered, content.rendering, content.names) == (False, None, frozenset())
    assert {tag.text: (tag.field, tag.default) for tag in content.tags} == {
        "[%first_name | you%]": ("first_name", "you"),
        "[%pet | dog%]": ("pet", "dog"),
        "{{first_name}}": ("first_name", ""),
        "{{{city}}}": ("city", ""),
        '{{insert last_name "default=x"}}': ("last_name", "x"),
    }
    for block, names in (
        ("{{#if city}}{{Country}}{{/if}}", {"first_name", "city", "last_name", "Country"}),
        ("{{! nothing }}", {"first_name", "city", "last_name"}),
        ("{{#each this}}{{@key}}{{/each}}", None),
    ):
        campaign.html_content = simple + block
        content = content_of(campaign)
        assert content.rendering == {"handlebars": True}, block
        assert content.names == names, block
        assert [tag.text for tag in content.tags] == ["[%first_name | you%]", "[%pet | dog%]"], block


def test_mail_has_the_defaults_of_its_account(alice: Account) -> None:
    Account.objects.update(mail_defaults={"footer": {"text": "bye", "html": "<p>bye</p>"}})
    alice.refresh_from_db()
    send_now(alice, ready_campaign(alice, html_content="{{#if city}}a{{/if}}[unsubscribe]").pk)
    mail = Mail.objects.get()
    assert mail.defaults == alice.mail_defaults
    assert mail.rendering == {"handlebars": True}


def personal_of(contact: Contact, tags: list[Tag], names: frozenset[str] | None) -> Any:
    sql, parameters = personal_sql(tags, names, contact.account_id)
    with connection.cursor() as cursor:
        cursor.execute(f"select ({sql}) is null, {sql} from campaigns_contact c where c.id = {contact.pk}", parameters)
        is_null, personal = cursor.fetchone()
    return None if is_null else json.loads(personal)


def test_the_data_of_a_contact_are_the_fields_that_have_a_value(alice: Account, charlie: Account) -> None:
    create_field(charlie, "theirs", FieldType.TEXT)
    pet, age, born = (
        create_field(alice, name, type)
        for name, type in (("Pet", FieldType.TEXT), ("age", FieldType.NUMBER), ("born", FieldType.DATE))
    )
    custom = {str(pet.pk): "cat", str(age.pk): 7.5, str(born.pk): "2020-02-29T00:00:00Z"}
    full, empty = (
        Contact.objects.create(account=alice, email="a@example.com", first_name="Ada", custom=custom, city="Ro'me"),
        Contact.objects.create(account=alice, email="b@example.com"),
    )
    Contact.objects.filter(pk=full.pk).update(alternate_emails=["c@example.com", "d@example.com"])
    names = frozenset(
        {"FIRST_NAME", "first_name", "city", "pet", "Age", "born", "country", "theirs", "nothing", "a'b", "Weblink"}
    )
    data = {"FIRST_NAME": "Ada", "first_name": "Ada", "city": "Ro'me"}
    assert personal_of(full, [], names) == {"data": data | {"pet": "cat", "Age": 7.5, "born": custom[str(born.pk)]}}
    assert personal_of(empty, [], names) == {"data": {}}
    assert personal_of(full, [], None) == {
        "data": {
            "email": "a@example.com",
            "alternate_emails": "c@example.com, d@example.com",
            "first_name": "Ada",
            "city": "Ro'me",
            "unique_name": "Ada",
            "Pet": "cat",
            "age": 7.5,
            "born": custom[str(born.pk)],
        }
    }
    assert personal_of(full, [Tag("[%Pet | dog%]", "Pet", "dog")], frozenset({"city"})) == {
        "merge": {"[%Pet | dog%]": "cat"},
        "data": {"city": "Ro'me"},
    }
    assert personal_of(full, [], frozenset()) is None
    assert personal_of(full, [], frozenset({"nothing"})) is None
    assert personal_of(empty, [Tag("{{age}}", "age", "x")], frozenset()) == {"merge": {"{{age}}": "x"}}


def test_each_message_has_the_data_of_its_contact(alice: Account) -> None:
    campaign = ready_campaign(
        alice, recipients=2, html_content="{{#if first_name}}{{city}}{{/if}}[%country | x%][unsubscribe]"
    )
    Contact.objects.filter(email="r0@example.com").update(first_name="Ada", country="Italy")
    send_now(alice, campaign.pk)
    expand_all()
    personal = dict(Message.objects.values_list("recipient", "personal"))
    assert personal == {
        "r0@example.com": {
            "data": {"first_name": "Ada"},
            "merge": {"[%country | x%]": "Italy", "[%first_name | you%]": "Ada", "[%first_name | friend%]": "Ada"},
        },
        "r1@example.com": {
            "data": {},
            "merge": {"[%country | x%]": "x", "[%first_name | you%]": "you", "[%first_name | friend%]": "friend"},
        },
    }


def test_a_test_has_the_values_of_the_contact_with_its_address(alice: Account, charlie: Account) -> None:
    add_contacts(alice, ["ada@example.com"], first_name="Ada", city="Rome")
    add_contacts(charlie, ["bob@example.com"], first_name="Bob")
    for html, data in (("{{#if city}}a{{/if}}[unsubscribe]", {"city": "Rome"}), ("[unsubscribe]", None)):
        campaign = ready_campaign(alice, recipients=0, html_content=html)
        send_test(alice, campaign.pk, ["Ada@EXAMPLE.com", "bob@example.com"])
        mail = Mail.objects.latest("pk")
        assert mail.rendering == ({"handlebars": True} if data else None)
        messages = Message.objects.filter(mail_id=mail.pk).order_by("id")
        ada, bob = (message.personal or {} for message in messages)
        assert (ada.get("data"), bob.get("data")) == (data, None)
        assert ada["merge"]["[%first_name | you%]"] == "Ada"
        assert bob["merge"]["[%first_name | you%]"] == "you"
