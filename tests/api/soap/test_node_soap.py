"""Test requests as node-soap writes them: the security header, prefixes, and values that have no XML form.

node-soap declares the prefixes of the WSDL on the envelope and writes `attributes` unchanged. Where a WSDL does not
declare `tns`, the `tns:Send` that its users write therefore names an undeclared prefix.
"""

from __future__ import annotations

import datetime as dt

import pytest

from accounts.models import Account
from campaigns.models import Campaign
from campaigns.states import CampaignStatus
from mailer.pipeline.deliver import Deliverer
from tests.api.soap.envelopes import PARTNER, SOAP_11, SOAP_12, WSSE, WSU, XSI, Reply, SoapCaller, post
from tests.campaigns.building import ready_campaign, run_fleet
from tests.examples import further
from tests.peer import CountingPeer

PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
NONCE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
HEADERS = {
    "User-Agent": "node-soap/1.13.0",
    "Accept": "text/html,application/xhtml+xml,application/xml,text/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "none",
    "Accept-Charset": "utf-8",
}
NIL = 'xsi:nil="true"'
LATER = "2030-05-01T12:00:00.000Z"


class NodeSoap:
    """A writer of node-soap's requests: `prefix` is the API's in the WSDL, `soap` the envelope's namespace."""

    def __init__(self, username: str, password: str, *, prefix: str = "tns", soap: str = SOAP_11) -> None:
        self.username = username
        self.password = password
        self.prefix = prefix
        self.soap = soap

    def call(self, operation: str, element: str, content: str) -> Reply:
        """Return the reply to a call. `content` has elements without prefixes, as its elements inherit the default."""
        envelope = (
            f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{self.soap}" xmlns:xsi="{XSI}"  '
            f'xmlns:{self.prefix}="{PARTNER}"><soap:Header>{self.security()}</soap:Header><soap:Body>'
            f'<{element} xmlns="{PARTNER}">{content}</{element}></soap:Body></soap:Envelope>'
        )
        if self.soap == SOAP_12:
            kind = f'application/soap+xml; charset=utf-8; action="{operation}"'
            return post(envelope.encode(), content_type=kind, **HEADERS)
        return post(envelope.encode(), content_type="text/xml; charset=utf-8", SOAPAction=f'"{operation}"', **HEADERS)

    def security(self) -> str:
        """Return the header of `WSSecurity` with a timestamp, a nonce and the password as text."""
        return (
            f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">'
            '<wsu:Timestamp wsu:Id="Timestamp-2026-05-01T00:00:00Z">'
            "<wsu:Created>2026-05-01T00:00:00Z</wsu:Created><wsu:Expires>2026-05-01T00:10:00Z</wsu:Expires>"
            f'</wsu:Timestamp><wsse:UsernameToken xmlns:wsu="{WSU}" wsu:Id="SecurityToken-2026-05-01T00:00:00Z">'
            f'<wsse:Username>{self.username}</wsse:Username><wsse:Password Type="{PROFILE}">{self.password}'
            f'</wsse:Password><wsse:Nonce EncodingType="{NONCE}">c29tZSBub25jZQ==</wsse:Nonce>'
            "<wsu:Created>2026-05-01T00:00:00Z</wsu:Created></wsse:UsernameToken></wsse:Security>"
        )

    def create(self, draft: Campaign, content: str) -> Reply:
        """Create a Send from a draft, to the draft's lists."""
        lists = "".join(f"<List><ID>{each.pk}</ID></List>" for each in draft.lists.all())
        objects = f'<Objects xsi:type="tns:Send"><Email><ID>{draft.pk}</ID></Email>{lists}{content}</Objects>'
        return self.call("Create", "CreateRequest", f"<Options></Options>{objects}")

    def perform(self, action: str, number: int) -> Reply:
        """Perform an action on a Send whose other properties are nil."""
        nils = f"<ModifiedDate {NIL}></ModifiedDate><ObjectID {NIL}></ObjectID>"
        definition = f'<Definition xsi:type="tns:Send">{nils}<ID>{number}</ID><SentDate {NIL}></SentDate></Definition>'
        content = f"<Action>{action}</Action><Definitions>{definition}</Definitions>"
        return self.call("Perform", "PerformRequestMsg", content)

    def status_of(self, number: int) -> str:
        """Return the status of a Send, by a filter of two parts."""
        left, right = (
            f'<{side} xsi:type="tns:SimpleFilterPart"><Property>{name}</Property><SimpleOperator>{operator}'
            f"</SimpleOperator>{values}</{side}>"
            for side, name, operator, values in (
                ("LeftOperand", "ID", "equals", f"<Value>{number}</Value>"),
                ("RightOperand", "CreatedDate", "greaterThan", "<DateValue>2020-01-01T00:00:00.000Z</DateValue>"),
            )
        )
        criteria = (
            f'<Filter xsi:type="tns:ComplexFilterPart">{left}<LogicalOperator>AND</LogicalOperator>{right}</Filter>'
        )
        properties = "<Properties>ID</Properties><Properties>Status</Properties>"
        request = f"<RetrieveRequest><ObjectType>Send</ObjectType>{properties}{criteria}</RetrieveRequest>"
        return self.call("Retrieve", "RetrieveRequestMsg", request).text("p:Results/p:Status")


@pytest.mark.parametrize(("prefix", "has_whole_key"), [("tns", True), ("p", False)])
def test_a_send_is_scheduled_moved_read_and_canceled(
    prefix: str, has_whole_key: bool, alice: Account, soap_of_alice: SoapCaller
) -> None:
    secret = soap_of_alice.text if has_whole_key else soap_of_alice.text.split(".")[2]
    node = NodeSoap(soap_of_alice.key.key_id, secret, prefix=prefix)
    created = node.create(ready_campaign(alice), f"<SendDate>{LATER}</SendDate>")
    assert created.overall == "OK", created.content
    number = int(created.text("p:NewID"))
    assert node.status_of(number) == "Scheduled"
    date = "<SendDate>2030-06-01T12:00:00.000Z</SendDate>"
    moved = node.call("Update", "UpdateRequest", f'<Objects xsi:type="tns:Send"><ID>{number}</ID>{date}</Objects>')
    assert moved.results == [("OK", "", "Updated Send.")]
    assert Campaign.objects.get(pk=number).send_at == dt.datetime(2030, 6, 1, 12, tzinfo=dt.UTC)
    assert node.perform("start", number).results[0][1] == "5"
    assert node.perform("cancel", number).results == [("OK", "", "Send canceled")]
    assert node.status_of(number) == "Canceled"


@further
def test_a_send_under_way_is_paused_resumed_and_canceled(
    alice: Account, soap_of_alice: SoapCaller, deliverer: Deliverer, peer: CountingPeer
) -> None:
    node = NodeSoap("alice", soap_of_alice.text)
    number = int(node.create(ready_campaign(alice), f"<SendDate {NIL}></SendDate>").text("p:NewID"))
    for action, status in (("pause", "Paused"), ("resume", "Sending"), ("cancel", "Canceled")):
        assert node.perform(action, number).overall == "OK"
        assert node.status_of(number) == status
    run_fleet(deliverer)
    assert not peer.ledger


def test_soap_12_headers_are_read_alike(soap_of_alice: SoapCaller) -> None:
    node = NodeSoap("alice", soap_of_alice.text, soap=SOAP_12)
    reply = node.call("GetSystemStatus", "SystemStatusRequestMsg", "")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "application/soap+xml; charset=utf-8")


def test_an_invalid_date_does_not_send_now(alice: Account, soap_of_alice: SoapCaller) -> None:
    draft = ready_campaign(alice)
    node = NodeSoap("alice", soap_of_alice.text)
    for date in (
        # node-soap and fuel-soap write nothing for a Date, and sfmc-sdk writes the text that JavaScript makes of it.
        "<SendDate></SendDate>",
        "<SendDate/>",
        "<SendDate> </SendDate>",
        '<SendDate xsi:nil="false"/>',
        "<SendDate><Date/></SendDate>",
        "<SendDate>Wed May 01 2030 12:00:00 GMT+0000 (Coordinated Universal Time)</SendDate>",
        "<SendDate>Invalid Date</SendDate>",
    ):
        assert node.create(draft, date).results == [("Error", "7053", "SendDate is not a time")], date
    assert list(Campaign.objects.values_list("pk", "status")) == [(draft.pk, CampaignStatus.DRAFT)]
