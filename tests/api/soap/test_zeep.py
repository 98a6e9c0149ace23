"""Test zeep, a client that relies on the schema, over a real socket; and the schema itself."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from lxml import etree
from zeep import Client as Zeep
from zeep import Settings
from zeep.exceptions import Fault
from zeep.wsse.username import UsernameToken

from accounts.models import Account
from audience.models import ContactList
from batches.models import Receipt
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.models import UnsubscribeGroup
from mailer.sweep import sweep
from tests.api.soap.envelopes import PARTNER, SoapCaller
from tests.campaigns.building import add_contacts, add_list, add_sender, again, expand_all, ready_campaign
from tests.fleet import DeliveringThread
from tests.peer import CountingPeer
from tests.waiting import wait_until

REFERENCE = Path(os.environ.get("PARTNER_API_WSDL", "/nonexistent"))
"""A copy of the WSDL of Marketing Cloud, which is not part of this repository."""
XSD = "{http://www.w3.org/2001/XMLSchema}"


@pytest.fixture
def wsdl(server_url: str, settings: Any) -> str:
    settings.PUBLIC_URL = server_url
    return f"{server_url}/etframework.wsdl"


Opener = Callable[[UsernameToken], Zeep]


@pytest.fixture
def open_zeep(wsdl: str) -> Iterator[Opener]:
    """Return a function that opens clients, which are closed at the end so that the server's threads end, too."""
    opened: list[Zeep] = []

    def make(login: UsernameToken) -> Zeep:
        opened.append(Zeep(wsdl, wsse=login, settings=Settings(strict=True)))
        return opened[-1]

    yield make
    for client in opened:
        client.transport.session.close()


@pytest.fixture
def zeep(open_zeep: Opener, soap_of_alice: SoapCaller) -> Zeep:
    return open_zeep(UsernameToken("alice", soap_of_alice.text))


@pytest.fixture
def customers(alice: Account) -> ContactList:
    """Create a list of 300 contacts of Alice."""
    return add_list(alice, add_contacts(alice, [f"c{n}@example.com" for n in range(300)]))


def send(zeep: Zeep, **properties: Any) -> Any:
    return zeep.get_type("ns0:Send")(**properties)


def perform(zeep: Zeep, action: str, *ids: int) -> Any:
    definitions = [send(zeep, ID=number) for number in ids]
    return zeep.service.Perform(Action=action, Definitions={"Definition": definitions})


def status_of(zeep: Zeep, number: int) -> str:
    criteria = zeep.get_type("ns0:SimpleFilterPart")(Property="ID", SimpleOperator="equals", Value=[str(number)])
    request = {"ObjectType": "Send", "Properties": ["ID", "Status", "NumberSent"], "Filter": criteria}
    reply = zeep.service.Retrieve(RetrieveRequest=request)
    assert reply.OverallStatus == "OK"
    (result,) = reply.Results
    return str(result.Status)


@pytest.mark.large
def test_a_send_is_canceled_half_way(zeep: Zeep, alice: Account, customers: ContactList, peer: CountingPeer) -> None:
    add_sender(alice)
    UnsubscribeGroup.objects.create(account=alice, name="news")
    email = zeep.get_type("ns0:Email")(Subject="Hello", HTMLBody="<a href='[unsubscribe]'>leave</a>")
    chosen = zeep.get_type("ns0:List")(ID=customers.pk)
    later = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    created = zeep.service.Create(
        Objects=[send(zeep, Email=email, List=[chosen], FromAddress="news@example.com", SendDate=later)]
    )
    assert created.OverallStatus == "OK", created
    number = created.Results[0].NewID
    assert status_of(zeep, number) == "Scheduled"
    moved = zeep.service.Update(Objects=[send(zeep, ID=number, SendDate=later + dt.timedelta(days=1))])
    assert moved.OverallStatus == "OK"
    assert perform(zeep, "cancel", number).Results.Result[0].StatusMessage == "Send canceled"
    assert status_of(zeep, number) == "Canceled"

    now = zeep.service.Create(Objects=[send(zeep, Email=email, List=[chosen], FromAddress="news@example.com")])
    number = now.Results[0].NewID
    expand_all()
    peer.delay = 0.02
    with DeliveringThread(peer, connections=2):
        wait_until(lambda: len(peer.ledger) >= 10, why="ten sent messages")
        paused = perform(zeep, "pause", number)
        sent = len(peer.ledger)
        assert paused.OverallStatus == "OK"
        assert status_of(zeep, number) == "Paused"
        message = f"Send paused: {sent} sent, {300 - sent} held back"
        assert paused.Results.Result[0].StatusMessage.startswith(message)
        assert perform(zeep, "resume", number).OverallStatus == "OK"
        sweep()
        wait_until(lambda: len(peer.ledger) >= sent + 10, why="ten more sent messages")
        canceled = perform(zeep, "cancel", number)
        sent = len(peer.ledger)
        ready = ready_campaign(alice)
        zeep.service.Create(
            Objects=[
                send(
                    zeep,
                    Email=zeep.get_type("ns0:Email")(ID=ready.pk),
                    List=[zeep.get_type("ns0:List")(ID=each.pk) for each in ready.lists.all()],
                )
            ]
        )
        expand_all()
        wait_until(lambda: len(peer.ledger) >= sent + 3, why="the fleet goes on")
    assert len(peer.ledger) == sent + 3
    assert len(set(peer.recipients)) == sent + 3
    (result,) = canceled.Results.Result
    receipt = Receipt.objects.filter(action=Receipt.Action.CANCEL, batch__launch__campaign_id=number).get()
    assert (receipt.is_settled, receipt.sent, receipt.stopped) == (True, sent, 300 - sent)
    assert result.StatusMessage == f"Send canceled: {sent} sent, {300 - sent} held back (receipt {receipt.public_id})"
    assert (result.StatusCode, result.Object.ID) == ("OK", number)
    assert status_of(zeep, number) == "Canceled"
    assert Campaign.objects.get(pk=number).status == CampaignStatus.CANCELLED


def test_errors_reach_the_client(zeep: Zeep, open_zeep: Opener, soap_of_charlie: SoapCaller, alice: Account) -> None:
    reply = perform(zeep, "cancel", 2**31 - 1)
    assert (reply.OverallStatus, reply.Results.Result[0].ErrorCode) == ("Error", 7051)
    draft = ready_campaign(alice)
    charlies = open_zeep(UsernameToken("charlie", soap_of_charlie.text))
    assert perform(charlies, "cancel", draft.pk).Results.Result[0].ErrorCode == 7051
    with pytest.raises(Fault, match="Login Failed") as caught:
        open_zeep(UsernameToken("alice", "wrong")).service.GetSystemStatus()
    assert str(caught.value.code).endswith("Security")
    with pytest.raises(Fault, match="Login Failed"):
        open_zeep(UsernameToken("alice", "wrong", use_digest=True)).service.GetSystemStatus()
    assert again(draft).status == CampaignStatus.DRAFT


def test_everything_that_is_described_can_be_read(zeep: Zeep, alice: Account) -> None:
    campaign = ready_campaign(alice)
    described = zeep.service.Describe(DescribeRequests={"ObjectDefinitionRequest": [{"ObjectType": "Send"}]})
    names = [each.Name for each in described.ObjectDefinition[0].Properties]
    reply = zeep.service.Retrieve(RetrieveRequest={"ObjectType": "Send", "Properties": names})
    (result,) = reply.Results
    assert (campaign.pk, campaign.pk, alice.pk) == (result.ID, result.Email.ID, result.Client.ID)
    assert (result.NumberSent, result.IsAlwaysOn, result.Status) == (0, False, "New")
    assert result.CreatedDate == again(campaign).created_at.replace(microsecond=result.CreatedDate.microsecond)
    assert zeep.service.GetSystemStatus().Results.Result[0].SystemStatus == "OK"


# --- the schema -------------------------------------------------------------------------------------------------------


def test_the_wsdl_has_the_url_of_its_host(database: None, settings: Any) -> None:
    for path in ("/etframework.wsdl", "/Service.asmx?wsdl", "/service.asmx?WSDL"):
        answer = Client().get(path)
        assert answer["Content-Type"].startswith("text/xml")
        assert answer.content.isascii()
        assert b'location="http://testserver/Service.asmx"' in answer.content
    assert Client().head("/etframework.wsdl")["Last-Modified"]
    settings.PUBLIC_URL = "https://mail.example.com/soap"
    assert b'location="https://mail.example.com/soap/Service.asmx"' in Client().get("/etframework.wsdl").content


def test_the_wsdl_binds_the_prefix_that_clients_write(database: None) -> None:
    root = etree.fromstring(Client().get("/etframework.wsdl").content)
    assert root.nsmap["tns"] == root.get("targetNamespace") == PARTNER
    assert [prefix for prefix, namespace in root.nsmap.items() if namespace == PARTNER] == ["tns"]


def types_of(root: Any) -> dict[str, list[tuple[str, ...]]]:
    """Return the content of each type and element by its name, in order and without prefixes."""
    types = {}
    for each in root.iterfind(f".//{XSD}schema/*"):
        inner = [
            (
                part.get("name") or (part.get("base") and part.get("base").rpartition(":")[2]) or part.get("value", ""),
                (part.get("type") or "").rpartition(":")[2],
                *(part.get(name, "") for name in ("minOccurs", "maxOccurs", "nillable")),
            )
            for part in each.iter(f"{XSD}element", f"{XSD}extension", f"{XSD}restriction", f"{XSD}enumeration")
        ]
        types[f"{each.tag} {each.get('name')}"] = inner
    return types


@pytest.mark.skipif(not REFERENCE.exists(), reason="PARTNER_API_WSDL names no copy of the WSDL of Marketing Cloud")
def test_the_wsdl_has_the_parts_of_the_reference_in_the_same_order(database: None) -> None:
    ours = types_of(etree.fromstring(Client().get("/etframework.wsdl").content))
    reference = types_of(etree.parse(REFERENCE).getroot())
    for name, parts in ours.items():
        # Unsupported parts are left out: an operator, and the operation Delete.
        expected = [part for part in reference[name] if part[0] != "like"]
        assert parts == expected, name
    left_out = set(reference) - set(ours)
    assert {name.rpartition(" ")[2] for name in left_out} <= {
        "DeleteOptions",
        "DeleteResult",
        "DeleteRequest",
        "DeleteResponse",
        "Send",
        "List",
    }
