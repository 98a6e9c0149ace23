"""Create and Update: a send is created completely or not at all."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import Account
from audience.models import Contact, ContactList
from campaigns.editing import edit_campaign
from campaigns.lifecycle import schedule_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.models import UnsubscribeGroup
from mailer.pipeline.deliver import Deliverer
from tests.api.soap.envelopes import Reply, SoapCaller, perform, request, retrieve, simple
from tests.campaigns.building import add_list, add_sender, again, campaign_in, ready_campaign, run_fleet
from tests.examples import further
from tests.peer import CountingPeer

LATER = "2030-05-01T12:00:00Z"
BODY = "<Subject>Hello</Subject><HTMLBody>&lt;a href='[unsubscribe]'&gt;leave&lt;/a&gt;</HTMLBody>"
SUBSCRIBERS = (
    "<List><Subscribers><EmailAddress>Ann@example.com</EmailAddress><SubscriberKey>a-1</SubscriberKey></Subscribers>"
    "<Subscribers><EmailAddress>bob@example.com</EmailAddress></Subscribers></List>"
)


def lists_of(campaign: Campaign) -> str:
    return "".join(f"<List><ID>{each.pk}</ID></List>" for each in campaign.lists.all())


def made_by(reply: Reply) -> Campaign:
    assert reply.overall == "OK", reply.results
    return Campaign.objects.select_related("launch", "sender").get(pk=int(reply.text("p:NewID")))


@further
def test_a_send_of_a_draft_is_scheduled_with_its_content(alice: Account, soap_of_alice: SoapCaller) -> None:
    draft = ready_campaign(alice, categories=["a"], rate_per_minute=60)
    email = f"<Email><ID>{draft.pk}</ID></Email>{lists_of(draft)}<SendDate>{LATER}</SendDate>"
    reply = soap_of_alice.ask(request("Create", email))
    made = made_by(reply)
    assert made.pk != draft.pk
    assert (made.status, made.send_at) == (CampaignStatus.SCHEDULED, dt.datetime(2030, 5, 1, 12, tzinfo=dt.UTC))
    assert (made.subject, made.html_content, made.title) == (draft.subject, draft.html_content, draft.title)
    assert (made.categories, made.rate_per_minute, made.sender) == (["a"], 60, draft.sender)
    assert again(draft).status == CampaignStatus.DRAFT
    assert reply.text("p:NewObjectID") == str(made.uuid)
    matches = soap_of_alice.ask(retrieve("ID Email.ID", simple("Email.ID", "equals", draft.pk)))
    assert matches.texts("p:Results/p:ID") == [str(draft.pk), str(made.pk)]
    assert matches.texts("p:Email/p:ID") == [str(draft.pk)] * 2
    assert soap_of_alice.ask(perform("cancel", made.pk)).results == [("OK", "", "Send canceled")]


@further
def test_a_send_without_a_date_is_sent_now(
    alice: Account, soap_of_alice: SoapCaller, deliverer: Deliverer, peer: CountingPeer
) -> None:
    sender = add_sender(alice)
    UnsubscribeGroup.objects.create(account=alice, name="old")
    default = UnsubscribeGroup.objects.create(account=alice, name="default", is_default=True)
    address = f"<FromAddress>NEWS@example.com</FromAddress><FromName>{sender.from_name}</FromName>"
    made = made_by(soap_of_alice.ask(request("Create", f"<Email>{BODY}</Email>{SUBSCRIBERS}{address}")))
    assert (made.status, made.sender, made.suppression_group_id) == (CampaignStatus.QUEUED, sender, default.pk)
    assert made.title == "Hello"
    run_fleet(deliverer)
    assert sorted(peer.recipients) == ["ann@example.com", "bob@example.com"]
    assert Contact.objects.get(email="ann@example.com").external_id == "a-1"
    assert again(made).status == CampaignStatus.SENT


def test_a_new_body_and_sender_take_the_place_of_everything_that_they_replace(
    alice: Account, soap_of_alice: SoapCaller
) -> None:
    own: dict[str, Any] = {"html_content": "", "plain_content": "", "design": uuid4(), "from_name": "The shop"}
    draft = ready_campaign(alice, **own)
    edit_campaign(alice, draft.pk, {"markdown": "**Old** [unsubscribe]", "design": own["design"]})
    body = "<HTMLBody>&lt;p&gt;New [unsubscribe]&lt;/p&gt;</HTMLBody>"
    email = f"<Email><ID>{draft.pk}</ID>{body}</Email>{lists_of(draft)}<SendDate>{LATER}</SendDate>"
    made = made_by(soap_of_alice.ask(request("Create", f"{email}<FromName>News</FromName>")))
    assert (made.html_content, made.markdown, made.plain_content) == ("<p>New [unsubscribe]</p>", "", "")
    assert (made.design, made.from_name) == (None, "")
    unnamed = made_by(soap_of_alice.ask(request("Create", email)))
    sent_by = soap_of_alice.ask(retrieve("FromName", simple("FromName", "equals", "the SHOP")))
    assert (unnamed.from_name, sent_by.texts("p:Results/p:FromName")) == ("The shop", ["The shop"] * 2)


@pytest.fixture
def parts(alice: Account) -> dict[str, str]:
    """Create everything in Alice's account that a send can refer to."""
    draft = ready_campaign(alice)
    bare = edit_campaign(alice, ready_campaign(alice).pk, {"html_content": "no link", "plain_content": ""})
    return {
        "email": f"<Email><ID>{draft.pk}</ID></Email>",
        "bare": f"<Email><ID>{bare.pk}</ID></Email>",
        "list": lists_of(draft),
        "body": f"<Email>{BODY}</Email>",
    }


UNSENDABLE = [
    ("{list}", "7001"),
    ("<Email><Subject>x</Subject></Email>{list}", "7001"),
    ("{email}", "7002"),
    ("{email}<List><ID>2147483647</ID></List>", "7002"),
    ("{email}<List><ID>x</ID></List>", "7002"),
    ("{email}{list}<List><ID/></List>", "7002"),
    ("<Email><PartnerKey>x</PartnerKey></Email>{list}", "7005"),
    ("<Email><ID>2147483647</ID></Email>{list}", "7007"),
    ("<Email><ID>x</ID></Email>{list}", "7007"),
    ("{bare}{list}", "7000"),
    ("{body}{list}", "7054"),
    ("{email}{list}<FromAddress>other@example.com</FromAddress>", "7054"),
    ("{email}{list}<FromName>Other</FromName>", "7054"),
    ("{email}{list}<SendDate>2020-01-01T00:00:00Z</SendDate>", "7053"),
    ("{email}{list}<SendDate>tomorrow</SendDate>", "7053"),
    ("{email}{list}<SendDate>20300101120</SendDate>", "7053"),
    ("{email}{list}<SendDate>9000-01-01T00:00:00</SendDate>", "7053"),
    ("{email}{list}<BccEmail>b@example.com</BccEmail>", "7055"),
    ("{email}{list}<EmailSendDefinition><ID>1</ID></EmailSendDefinition>", "7055"),
    ("{email}{list}<IsAlwaysOn>true</IsAlwaysOn>", "7055"),
    ("<Email><HTMLBody><p>not escaped</p></HTMLBody></Email>{list}", "7000"),
    ("<Email><Subject>two\nlines</Subject><TextBody>x</TextBody></Email>{list}", "7000"),
    ("{email}<List><Subscribers><EmailAddress>nobody</EmailAddress></Subscribers></List>", "7003"),
    ("{email}<List><Subscribers><SubscriberKey>a</SubscriberKey></Subscribers></List>", "7003"),
    (
        "{email}<List><Subscribers><EmailAddress>a@example.com</EmailAddress><Attributes><Name>x</Name></Attributes>"
        "</Subscribers></List>",
        "7055",
    ),
]


def test_a_send_that_cannot_be_sent_stores_nothing(
    parts: dict[str, str], soap_of_alice: SoapCaller, subtests: pytest.Subtests, step: int
) -> None:
    for properties, code in UNSENDABLE[::step]:
        with subtests.test(properties=properties, code=code):
            counts = [model.objects.count() for model in (Campaign, ContactList, Contact)]
            reply = soap_of_alice.ask(request("Create", properties.format(**parts)))
            assert [(status, error) for status, error, _ in reply.results] == [("Error", code)], reply.results
            assert (reply.overall, reply.text("p:NewID")) == ("Error", "0")
            assert [model.objects.count() for model in (Campaign, ContactList, Contact)] == counts


def test_nothing_of_another_account_can_be_sent(
    parts: dict[str, str], alice: Account, soap_of_charlie: SoapCaller, charlie: Account
) -> None:
    own = ready_campaign(charlie)
    for properties, code in (
        (parts["email"] + lists_of(own), "7007"),
        (f"<Email><ID>{own.pk}</ID></Email>{parts['list']}", "7002"),
    ):
        assert soap_of_charlie.ask(request("Create", properties)).results[0][1] == code


def test_an_unverified_sender_cannot_be_named(alice: Account, soap_of_alice: SoapCaller) -> None:
    add_sender(alice, is_verified=False)
    chosen = add_list(alice, [])
    address = f"<List><ID>{chosen.pk}</ID></List><FromAddress>news@example.com</FromAddress>"
    assert soap_of_alice.ask(request("Create", f"<Email>{BODY}</Email>{address}")).results[0][1] == "7054"


def test_the_sends_of_an_account_are_limited(
    alice: Account, soap_of_alice: SoapCaller, parts: dict[str, str], settings: Any
) -> None:
    settings.CAMPAIGNS_LIMIT = 2
    ((_, code, message),) = soap_of_alice.ask(request("Create", parts["email"] + parts["list"])).results
    assert (code, message) == ("7008", "The account cannot have more than 2 sends")


@further
def test_an_invalid_send_does_not_block_the_others(soap_of_alice: SoapCaller, parts: dict[str, str]) -> None:
    good = f"{parts['email']}{parts['list']}<SendDate>{LATER}</SendDate>"
    reply = soap_of_alice.ask(request("Create", good, parts["list"], good))
    assert reply.overall == "Has Errors"
    assert [code for _, code, _ in reply.results] == ["", "7001", ""]
    assert Campaign.objects.filter(status=CampaignStatus.SCHEDULED).count() == 2


def test_a_scheduled_send_is_rescheduled(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = ready_campaign(alice)
    schedule_campaign(alice, campaign.pk, database_now() + dt.timedelta(hours=1))
    change = f"<ID>{campaign.pk}</ID><SendDate>2030-05-01T12:00:00+02:00</SendDate>"
    assert soap_of_alice.ask(request("Update", change)).results == [("OK", "", "Updated Send.")]
    assert again(campaign).send_at == dt.datetime(2030, 5, 1, 10, tzinfo=dt.UTC)


@further
def test_other_changes_are_refused(alice: Account, soap_of_alice: SoapCaller, soap_of_charlie: SoapCaller) -> None:
    scheduled, draft = campaign_in(alice, CampaignStatus.SCHEDULED), ready_campaign(alice)
    before = again(scheduled).send_at
    for properties, code in (
        (f"<ID>{scheduled.pk}</ID>", "7053"),
        (f"<SendDate>{LATER}</SendDate>", "7050"),
        (f"<ID>{scheduled.pk}</ID><SendDate>2020-01-01T00:00:00Z</SendDate>", "7053"),
        (f"<ID>{scheduled.pk}</ID><SendDate>{LATER}</SendDate><Subject>x</Subject>", "7055"),
        (f"<ID>{draft.pk}</ID><SendDate>{LATER}</SendDate>", "7052"),
    ):
        assert soap_of_alice.ask(request("Update", properties)).results[0][1] == code
    foreign = f"<ID>{scheduled.pk}</ID><SendDate>{LATER}</SendDate>"
    assert soap_of_charlie.ask(request("Update", foreign)).results[0][1] == "7051"
    assert again(scheduled).send_at == before


def test_deletions_are_refused(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = ready_campaign(alice)
    reply = soap_of_alice.ask(request("Delete", f"<ID>{campaign.pk}</ID>"))
    assert reply.results == [("Error", "5", "Cannot perform Delete on objects of type Send")]
    other = request("Delete", "<ID>1</ID>").replace('"Send"', '"Subscriber"')
    assert soap_of_alice.ask(other).results[0][1] == "8"
    assert again(campaign).deleted_at is None


@further
def test_a_call_for_later_is_refused(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.PAUSED)
    later = f"<Options><ScheduledTime>{LATER}</ScheduledTime></Options>"
    for body in (perform("resume", campaign.pk), request("Create", ""), request("Update", "")):
        for options in (later, "<Options><ScheduledTime/></Options>"):
            assert soap_of_alice.ask(body.replace("<Options/>", options)).fault[0] == "soap:Client"
    assert again(campaign).status == CampaignStatus.PAUSED


def test_a_create_that_is_repeated_with_its_key_is_done_once(soap_of_alice: SoapCaller, parts: dict[str, str]) -> None:
    good = request("Create", f"{parts['email']}{parts['list']}<SendDate>{LATER}</SendDate>")
    key = {"Idempotency-Key": "one"}
    first, second = soap_of_alice.ask(good, **key), soap_of_alice.ask(good, **key)
    assert (second.content, second.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert Campaign.objects.filter(status=CampaignStatus.SCHEDULED).count() == 1
    other = request("Create", f"{parts['email']}{parts['list']}")
    assert soap_of_alice.ask(other, **key).fault == (
        "soap:Client",
        "This Idempotency-Key was used for another request",
    )


@further
def test_a_failed_create_leaves_its_idempotency_key_free(
    soap_of_alice: SoapCaller, parts: dict[str, str], settings: Any
) -> None:
    good = request("Create", f"{parts['email']}{parts['list']}<SendDate>{LATER}</SendDate>")
    settings.CAMPAIGNS_LIMIT = 1
    assert soap_of_alice.ask(good, **{"Idempotency-Key": "one"}).overall == "Error"
    settings.CAMPAIGNS_LIMIT = 0
    assert soap_of_alice.ask(good, **{"Idempotency-Key": "one"}).overall == "OK"
