"""Test envelopes as various clients write them, and the prefixes that clients look for in replies."""

from __future__ import annotations

import re

import pytest

from accounts.models import Account
from campaigns.states import CampaignStatus
from tests.api.soap.envelopes import (
    NAMESPACES,
    PARTNER,
    SOAP_12,
    WSSE,
    WSU,
    XSI,
    SoapCaller,
    documented_cancel,
    envelope,
    oauth,
    perform,
    post,
    token_of,
    user,
)
from tests.campaigns.building import again, campaign_in


def test_the_envelope_of_the_documentation_cancels_a_send(
    alice: Account, soap_of_alice: SoapCaller, subtests: pytest.Subtests
) -> None:
    for headers in [{}, {"SOAPAction": '"Perform"'}]:
        with subtests.test(headers=headers):
            campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
            document = documented_cancel("alice", soap_of_alice.text, campaign.pk)
            assert post(b"\n  " + document, **headers).results == [("OK", "", "Send canceled")]
            assert again(campaign).status == CampaignStatus.CANCELLED


def quirky(caller: SoapCaller, send: int) -> bytes:
    """Return a valid request with everything that clients do unusually.

    It has text between elements, spaces before the declaration, times long ago, a nonce without encoding, nils, and
    prefixes for the API's namespace inside its default namespace.
    """
    return f"""\ufeff
  <?xml version="1.0" encoding="UTF-8" ?>
    <E:Envelope xmlns:E="{NAMESPACES["soap"]}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:i="{XSI}">
        <E:Header>
            <sec:Security xmlns:sec="{WSSE}" xmlns:u="{WSU}" E:mustUnderstand="1">
                <sec:UsernameToken u:Id="me">
                    <sec:Username> {caller.account.username} </sec:Username>
                    <sec:Password Type="http://example.com/profile#PasswordText">{caller.text}</sec:Password>
                    <sec:Nonce>bm9uY2Vub25jZW5vbmNl</sec:Nonce>
                    <u:Created>2010-02-03T04:05:06Z</u:Created>
                </sec:UsernameToken>
            </sec:Security>
            <unknown xmlns="urn:x" mustUnderstand="true"/>
        </E:Header>
        <E:Body>
            <PerformRequestMsg xmlns="{PARTNER}">
                <Options /><!-- nothing --><?nothing at all?>
                <Action>cancel</Action>
                <Definitions>
                    <n:Definition xmlns:n="{PARTNER}" i:type="n:Send">=
                        <n:ModifiedDate i:nil="1" />
                        <n:ID>{send}</n:ID>
                        <n:ObjectID i:nil="true" />
                    </n:Definition>
                </Definitions>
            </PerformRequestMsg>
        </E:Body>
    </E:Envelope>""".encode()


def test_an_envelope_with_every_quirk_cancels_a_send(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    for message in ("Send canceled", "Send already canceled"):
        reply = post(quirky(soap_of_alice, campaign.pk), content_type="application/x-www-form-urlencoded")
        assert reply.results == [("OK", "", message)]
    assert again(campaign).status == CampaignStatus.CANCELLED


def test_a_body_before_its_header_is_read(alice: Account, soap_of_alice: SoapCaller, subtests: pytest.Subtests) -> None:
    body = perform("cancel", campaign_in(alice, CampaignStatus.SCHEDULED).pk)
    header = oauth(token_of(soap_of_alice))
    document = f"""<Envelope xmlns="{NAMESPACES["soap"]}" xmlns:xsi="{XSI}"><Body>{body}</Body>
        <Header>{header}</Header></Envelope>""".encode()
    for path in ["/Service.asmx", "/service.asmx"]:
        for action in [None, "Perform", '"Perform"', '""']:
            with subtests.test(path=path, action=action):
                headers = {"Accept": "application/json"} | ({} if action is None else {"SOAPAction": action})
                assert post(document, path, **headers).overall == "OK"


def test_soap_12_is_answered_in_its_form(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    header = '<a:Action xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">{}</a:Action>'
    body = perform("cancel", campaign.pk)
    login = user("alice", soap_of_alice.text)
    reply = post(envelope(body, header.format("Perform") + login, soap=SOAP_12))
    assert reply.overall == "OK"
    assert reply.root.tag == f"{{{SOAP_12}}}Envelope"
    assert reply.headers["Content-Type"] == "text/xml; charset=utf-8"
    kind = 'application/soap+xml; charset=utf-8; action="Perform"'
    assert post(envelope(body, login, soap=SOAP_12), content_type=kind).headers["Content-Type"] == (
        "application/soap+xml; charset=utf-8"
    )
    fault = post(envelope(body, header.format("Retrieve") + login, soap=SOAP_12))
    (code,) = fault.root.iterfind(f".//{{{SOAP_12}}}Value")
    assert (fault.status, code.text) == (500, "soap:Sender")
    fault = post(envelope(body, soap=SOAP_12))
    assert [each.text for each in fault.root.iterfind(f".//{{{SOAP_12}}}Value")] == ["soap:Sender", "q0:Security"]


def test_a_reply_has_the_prefixes_that_clients_look_for(soap_of_alice: SoapCaller) -> None:
    header = user("alice", soap_of_alice.text) + (
        '<MessageID xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">urn:uuid:1</MessageID>'
    )
    reply = post(envelope(perform("cancel", 2**31 - 1), header))
    assert reply.content.startswith(
        b'<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    )
    assert b'<soap:Body><PerformResponseMsg xmlns="http://exacttarget.com/wsdl/partnerAPI"><Results><Result>' in (
        reply.content
    )
    assert b'<Object xsi:type="Send"><PartnerKey xsi:nil="true"/><ID>2147483647</ID><ObjectID xsi:nil="true"/>' in (
        reply.content
    )
    assert reply.text("wsa:Action") == "PerformResponse"
    assert reply.text("wsa:RelatesTo") == "urn:uuid:1"
    assert reply.text("wsa:MessageID").startswith("urn:uuid:")
    created, expires = reply.text("wsu:Created"), reply.text("wsu:Expires")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created)
    assert created < expires
    assert reply.headers["X-Request-ID"] == reply.text("p:RequestID")
