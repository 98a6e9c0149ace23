"""Test the operations Retrieve, Describe and GetSystemStatus."""

from __future__ import annotations

import datetime as dt
import sys

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from api.campaign_words import Dialect, word_for
from api.soap.outputs import moment
from batches.stop.freeze import freeze_installation
from campaigns.lifecycle import cancel_campaign, delete_campaign, schedule_campaign
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from foundation.clock import database_now
from mailer.pipeline.deliver import Deliverer
from tests.api.soap.envelopes import NAMESPACES, PARTNER, Reply, SoapCaller, both, retrieve, simple
from tests.campaigns.building import campaign_in, expand_all, ready_campaign, sweep_campaigns
from tests.examples import few_by_default, further

ALL_OF_THE_SAMPLE = (
    "ID Client.ID Email.ID SendDate FromName Duplicates InvalidAddresses ExistingUndeliverables ExistingUnsubscribes "
    "HardBounces SoftBounces OtherBounces UniqueClicks UniqueOpens NumberSent Unsubscribes MissingAddresses Subject "
    "PreviewURL SentDate EmailName Status"
)


def ids(reply: Reply) -> list[int]:
    """Return the IDs of the sends in a reply."""
    assert reply.overall in {"OK", "MoreDataAvailable"}
    return [int(text) for text in reply.texts("p:Results/p:ID")]


def test_a_send_has_the_requested_properties_in_the_schemas_order(
    alice: Account, soap_of_alice: SoapCaller, deliverer: Deliverer
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SENDING)
    deliverer.deliver_due(seconds=5)
    reply = soap_of_alice.ask(retrieve(f"Status {ALL_OF_THE_SAMPLE}", simple("ID", "equals", campaign.pk)))
    (result,) = reply.root.iterfind(".//p:Results", NAMESPACES)
    names = [each.tag.rpartition("}")[2] for each in result]
    assert " ".join(names) == (
        "Client PartnerKey ID ObjectID Email SendDate FromName Duplicates InvalidAddresses ExistingUndeliverables "
        "ExistingUnsubscribes HardBounces SoftBounces OtherBounces UniqueClicks UniqueOpens NumberSent Unsubscribes "
        "MissingAddresses Subject SentDate EmailName Status"
    )
    properties = {each.tag.rpartition("}")[2]: each.text for each in result}
    assert (properties["NumberSent"], properties["Status"], properties["FromName"]) == ("3", "Sending", "News")
    assert (properties["EmailName"], properties["Subject"]) == ("News of May", "News for [%first_name | you%]")
    assert dt.datetime.fromisoformat(properties["SendDate"]) - database_now() < dt.timedelta(minutes=1)
    assert properties["SendDate"].endswith("Z")
    assert reply.text("p:Client/p:ID") == str(alice.pk)
    assert reply.text("p:Email/p:ID") == str(campaign.pk)


def test_the_name_of_an_object_stands_for_its_properties(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = ready_campaign(alice)
    reply = soap_of_alice.ask(retrieve("Client ID ObjectID Email"))
    (row,) = reply.root.iterfind(".//p:Results", NAMESPACES)
    assert [each.tag.rpartition("}")[2] for each in row] == ["Client", "PartnerKey", "ID", "ObjectID", "Email"]
    assert reply.text("p:Client/p:ID") == str(alice.pk)
    assert [reply.text(f"p:Email/p:{name}") for name in ("ID", "Name", "Subject")] == [
        str(campaign.pk),
        campaign.title,
        campaign.subject,
    ]


def test_a_canceled_send_has_the_date_at_which_it_began_unless_it_was_canceled_before(
    alice: Account, soap_of_alice: SoapCaller
) -> None:
    begun, waiting = campaign_in(alice, CampaignStatus.SENDING), ready_campaign(alice)
    schedule_campaign(alice, waiting.pk, database_now() + dt.timedelta(minutes=1))
    sweep_campaigns()
    expand_all()
    for campaign in (begun, waiting):
        cancel_campaign(alice, campaign.pk, actor="test")
    reply = soap_of_alice.ask(retrieve("ID SentDate", simple("SentDate", "isNotNull")))
    assert ids(reply) == [begun.pk]
    assert begun.begins_at is not None
    assert reply.text("p:SentDate") == moment(begun.begins_at)


@pytest.mark.parametrize("status", few_by_default(CampaignStatus, CampaignStatus.SENDING))
def test_every_status_has_its_word(status: CampaignStatus, alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, status)
    other = CampaignStatus.SENT if status is CampaignStatus.DRAFT else CampaignStatus.DRAFT
    word = word_for(status, Dialect.SOAP)
    assert soap_of_alice.ask(retrieve("Status")).text("p:Status") == word
    for criteria, expected in {
        simple("Status", "equals", word): [campaign.pk],
        simple("Status", "equals", word_for(other, Dialect.SOAP)): [],
        simple("Status", "notEquals", word): [],
        simple("Status", "IN", "Deleted", word): [campaign.pk],
        simple("Status", "equals", "nonsense"): [],
    }.items():
        assert ids(soap_of_alice.ask(retrieve("ID", criteria))) == expected, criteria


@pytest.fixture
def three(alice: Account, charlie: Account) -> list[int]:
    """Create three sends of Alice, of one, two and three o'clock, a deleted one, and one of Charlie."""
    made = [ready_campaign(alice, title=f"News {n}").pk for n in range(3)]
    for n, number in enumerate(made):
        Campaign.objects.filter(pk=number).update(created_at=dt.datetime(2026, 5, 1, 1 + n, tzinfo=dt.UTC))
    ready_campaign(charlie)
    delete_campaign(alice, ready_campaign(alice).pk, actor="a test")
    return made


def test_a_filter_finds_the_matching_sends(alice: Account, soap_of_alice: SoapCaller, three: list[int]) -> None:
    first, second, third = three
    schedule_campaign(alice, third, database_now() + dt.timedelta(hours=1))
    left, right = "LeftOperand", "RightOperand"
    for criteria, expected in {
        "": three,
        simple("ID", "equals", second): [second],
        simple("ID", "notEquals", second): [first, third],
        simple("ID", "IN", first, third, 10**15): [first, third],
        simple("ID", "equals", 10**15): [],
        simple("ID", "greaterThan", first): [second, third],
        simple("ID", "lessThanOrEqual", second): [first, second],
        simple("ID", "between", second, third): [second, third],
        simple("Email.ID", "equals", second): [second],
        simple("CreatedDate", "greaterThan", "2026-05-01T01:00:00Z", kind="DateValue"): [second, third],
        simple("CreatedDate", "greaterThanOrEqual", "2026-05-01T04:00:00+02:00"): [second, third],
        simple("CreatedDate", "between", "2026-05-01T00:30:00", "2026-05-01T02:30:00.5", kind="DateValue"): [
            first,
            second,
        ],
        simple("SendDate", "isNull"): [first, second],
        simple("SendDate", "isNotNull"): [third],
        simple("EmailName", "equals", "NEWS 1"): [second],
        simple("FromAddress", "notEquals", "news@example.com"): [],
        simple("ObjectID", "equals", "x"): None,
        both(simple("ID", "equals", first, tag=left), "OR", simple("ID", "equals", third, tag=right)): [first, third],
        both(simple("ID", "greaterThan", first, tag=left), "AND", simple("SendDate", "isNull", tag=right)): [second],
        both(
            both(simple("ID", "equals", first, tag=left), "OR", simple("ID", "equals", second, tag=right), tag=left),
            "and",
            simple("ID", "notEquals", first, tag=right),
        ): [second],
    }.items():
        reply = soap_of_alice.ask(retrieve("ID", criteria))
        if expected is None:
            assert reply.overall.startswith("Error: "), criteria
        else:
            assert ids(reply) == expected, criteria


UNRETRIEVABLE = [
    (
        retrieve("ID", kind="Subscriber"),
        "Unable to find a handler for object type: Subscriber. Object types are case-sensitive, check spelling.",
    ),
    (
        retrieve("ID Bogus"),
        "The Request Property(s) Bogus do not match with the fields of Send retrieve",
    ),
    (retrieve("ID", simple("Bogus", "equals", 1)), "The Filter Property Bogus cannot be used"),
    (retrieve("ID", simple("NumberSent", "equals", 1)), "The Filter Property NumberSent cannot be used"),
    (retrieve("ID", simple("ID", "like", 1)), "The operator like cannot be used with ID."),
    (retrieve("ID", simple("Status", "between", 1, 2)), "The operator between cannot be used with Status."),
    (retrieve("ID", simple("ID", "equals")), "The operator equals does not take 0 values."),
    (retrieve("ID", simple("ID", "between", 1)), "The operator between does not take 1 values."),
    (retrieve("ID", simple("ID", "equals", "x")), "ID cannot be compared with this value."),
    (retrieve("ID", simple("SendDate", "equals", "x")), "SendDate cannot be compared with this value."),
    (retrieve("ID", simple("SendDate", "equals", "0001-01-01")), "SendDate cannot be compared with this value."),
    (retrieve("ID", "<Filter/>"), "A Filter is a SimpleFilterPart or a ComplexFilterPart."),
    (retrieve("ID", both("", "AND", "")), "A ComplexFilterPart needs operands"),
    (retrieve("ID", more="<ContinueRequest>x</ContinueRequest>"), "ContinueRequest names no request"),
    (f'<RetrieveRequestMsg xmlns="{PARTNER}"/>', "There is no RetrieveRequest."),
]


def test_an_invalid_retrieve_has_the_error_in_its_status(soap_of_alice: SoapCaller, subtests: pytest.Subtests) -> None:
    for body, message in UNRETRIEVABLE:
        with subtests.test(body=body, message=message):
            reply = soap_of_alice.ask(body)
            assert reply.overall.startswith(f"Error: {message}")
            assert reply.texts("p:Results") == []


def test_a_filter_that_is_too_deep_or_too_long_is_refused(soap_of_alice: SoapCaller) -> None:
    deep = simple("ID", "equals", 1, tag="LeftOperand")
    for _ in range(30):
        deep = both(deep, "AND", "", tag="LeftOperand")
    long = both(simple("ID", "equals", 1, tag="LeftOperand"), "OR", "").replace(
        "</Filter>",
        f"<AdditionalOperands>{simple('ID', 'equals', 1, tag='Operand') * 150}</AdditionalOperands></Filter>",
    )
    for criteria in (deep.replace("LeftOperand", "Filter", 1)[: -len("LeftOperand>")] + "Filter>", long):
        assert soap_of_alice.ask(retrieve("ID", criteria)).overall.startswith("Error: A Filter has 20 levels")


def test_pages_follow_each_other(
    soap_of_alice: SoapCaller, soap_of_charlie: SoapCaller, three: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["api.soap.operations.retrieve"], "PAGE", 2)
    first = soap_of_alice.ask(retrieve("ID", simple("ID", "greaterThan", 0)))
    assert (first.overall, ids(first)) == ("MoreDataAvailable", three[:2])
    more = f"<ContinueRequest>{first.text('p:RequestID')}</ContinueRequest>"
    second = soap_of_alice.ask(retrieve("", more=more).replace("<ObjectType>Send</ObjectType>", ""))
    assert (second.overall, ids(second)) == ("OK", three[2:])
    assert soap_of_charlie.ask(retrieve("ID", more=more)).overall.startswith("Error: ContinueRequest")


@further
def test_a_page_can_be_smaller(soap_of_alice: SoapCaller, three: list[int]) -> None:
    request = retrieve("ID", more="<Options><BatchSize>1</BatchSize></Options>")
    assert ids(soap_of_alice.ask(request)) == three[:1]


def test_nothing_found_is_ok_without_results(soap_of_alice: SoapCaller) -> None:
    reply = soap_of_alice.ask(retrieve("ID"))
    assert (reply.overall, reply.texts("p:Results")) == ("OK", [])


@further
def test_a_page_is_one_question_and_its_counts_another(soap_of_alice: SoapCaller, three: list[int]) -> None:
    def queries(properties: str) -> int:
        with CaptureQueriesContext(connection) as caught:
            assert len(ids(soap_of_alice.ask(retrieve(properties)))) == 3
        return len(caught)

    uncounted = queries("ID")
    assert uncounted <= 3
    assert queries("ID FromName Subject Status SendDate Email.ID") == uncounted
    assert queries(f"ID {ALL_OF_THE_SAMPLE}") <= uncounted + 3


def test_describe_lists_the_retrievable_properties(soap_of_alice: SoapCaller) -> None:
    def describe(kind: str) -> str:
        return (
            f'<DefinitionRequestMsg xmlns="{PARTNER}"><DescribeRequests><ObjectDefinitionRequest><ObjectType>{kind}'
            "</ObjectType></ObjectDefinitionRequest></DescribeRequests></DefinitionRequestMsg>"
        )

    names = soap_of_alice.ask(describe("Send")).texts("p:Properties/p:Name")
    assert set(ALL_OF_THE_SAMPLE.split()) <= set(names)
    assert soap_of_alice.ask(retrieve(" ".join(names))).overall == "OK"
    assert soap_of_alice.ask(describe("Automation")).texts("p:Properties") == []


def test_the_system_status_shows_a_freeze(soap_of_alice: SoapCaller) -> None:
    request = f'<SystemStatusRequestMsg xmlns="{PARTNER}"/>'
    assert soap_of_alice.ask(request).text("p:SystemStatus") == "OK"
    freeze_installation(actor="a test")
    assert soap_of_alice.ask(request).text("p:SystemStatus") == "InMaintenance"
