"""Test the types of objects: how clients write `xsi:type`, and which names the API accepts as its types."""

from __future__ import annotations

import pytest

from accounts.models import Account
from tests.api.soap.envelopes import PARTNER, XSI, SoapCaller, both, perform, retrieve, simple
from tests.campaigns.building import ready_campaign

NOBODYS_ID = "2147483647"
XML = "http://www.w3.org/XML/1998/namespace"


def definition(written_type: str, declarations: str = "") -> str:
    """Return a Send that does not exist, so that a type that is read gets the error 7051."""
    namespaces = f"xmlns:q='{PARTNER}' {declarations}"
    return f"<q:Definition {namespaces} xsi:type='{written_type}'><q:ID>{NOBODYS_ID}</q:ID></q:Definition>"


SENDS = [
    # Without a prefix, in any default namespace.
    definition("Send"),
    definition("Send", "xmlns='urn:other'"),
    definition("Send", "xmlns=''"),
    # With a prefix of the API's namespace.
    definition("q:Send"),
    definition("a.b-c_1:Send", f"xmlns:a.b-c_1='{PARTNER}'"),
    definition("ü:Send", f"xmlns:ü='{PARTNER}'"),
    # With a prefix that is declared nowhere, or only where it is out of scope.
    definition("tns:Send"),
    definition("ns0:Send"),
    definition("tns:Send", "xmlns='urn:other'"),
    "<Ignored xmlns:tns='urn:other'/>" + definition("tns:Send"),
    # The nearest declaration counts.
    "<Definition xmlns:tns='urn:other'/>" + definition("tns:Send", f"xmlns:tns='{PARTNER}'"),
    # With spaces around it.
    definition(" tns:Send&#10;"),
    definition("\tSend "),
]
OTHERS = [
    # A prefix of another namespace.
    definition("x:Send", "xmlns:x='urn:other'"),
    definition("x:Send", f"xmlns:x='{PARTNER}/'"),
    definition("x:Send", "xmlns:x='http://exacttarget.com'"),
    definition("tns:Send", "xmlns:tns='http://www.w3.org/2001/XMLSchema'"),
    definition("xsi:Send"),
    definition("s:Send"),
    # The prefixes that every document has.
    definition("xml:Send"),
    definition("xml:Send", f"xmlns:xml='{XML}'"),
    definition("xmlns:Send"),
    # Not a name.
    definition(""),
    definition("  "),
    definition(":"),
    definition(":Send"),
    definition("tns:"),
    definition("a:b:Send"),
    definition("tns: Send"),
    definition("tns :Send"),
    definition("1:Send"),
    definition("Send Send"),
    definition("{http://exacttarget.com/wsdl/partnerAPI}Send"),
    definition("http://exacttarget.com/wsdl/partnerAPI:Send"),
    f"<q:Definition xmlns:q='{PARTNER}'><q:ID>1</q:ID></q:Definition>",
    f"<q:Definition xmlns:q='{PARTNER}' type='tns:Send'><q:ID>1</q:ID></q:Definition>",
    f"<q:Definition xmlns:q='{PARTNER}' xmlns:i='{XSI}x' i:type='tns:Send'><q:ID>1</q:ID></q:Definition>",
    # Another type.
    definition("tns:send"),
    definition("tns:SEND"),
    definition("tns:Automation"),
    definition("tns:Send.x"),
]


def test_a_type_of_the_api_is_read_however_its_prefix_is_declared(soap_of_alice: SoapCaller) -> None:
    for written in SENDS:
        results = soap_of_alice.ask(perform("cancel", written)).results
        assert results[-1] == ("Error", "7051", f"Send {NOBODYS_ID} not found"), written


def test_a_type_of_another_namespace_or_name_is_refused(soap_of_alice: SoapCaller) -> None:
    results = soap_of_alice.ask(perform("cancel", *OTHERS)).results
    refused = {written: code for written, (_, code, _) in zip(OTHERS, results, strict=True)}
    assert refused == dict.fromkeys(OTHERS, "8")


def test_the_refusal_names_the_type_without_its_prefix(soap_of_alice: SoapCaller, subtests: pytest.Subtests) -> None:
    for written, shown in [("tns:Automation", "Automation"), ("x y", "unknown"), ("", "unknown")]:
        with subtests.test(written=written, shown=shown):
            ((_, _, text),) = soap_of_alice.ask(perform("cancel", definition(written))).results
            assert text == f"This operation does not support the APIObject of type {shown}"


def test_a_declaration_on_an_ancestor_is_in_scope(soap_of_alice: SoapCaller) -> None:
    body = perform("cancel", definition("tns:Send"))
    assert soap_of_alice.ask(body.replace("<Definitions>", "<Definitions xmlns:tns='urn:other'>")).results[0][1] == "8"
    declared = body.replace("<Definitions>", f"<Definitions xmlns:tns='{PARTNER}'>")
    assert soap_of_alice.ask(declared).results[0][1] == "7051"


def test_the_types_of_filters_are_read_alike_on_every_page(alice: Account, soap_of_alice: SoapCaller) -> None:
    campaigns = [ready_campaign(alice) for _ in range(2)]
    criteria = both(
        simple("ID", "equals", campaigns[0].pk, tag="LeftOperand"),
        "OR",
        simple("ID", "equals", campaigns[1].pk, tag="RightOperand"),
    ).replace('xsi:type="', 'xsi:type="tns:')
    one_by_one = "<Options><BatchSize>1</BatchSize></Options>"
    first = soap_of_alice.ask(retrieve("ID", criteria, more=one_by_one))
    assert (first.overall, first.texts("p:Results/p:ID")) == ("MoreDataAvailable", [str(campaigns[0].pk)])
    goes_on = f"<ContinueRequest>{first.text('p:RequestID')}</ContinueRequest>"
    second = soap_of_alice.ask(retrieve("ID", more=goes_on))
    assert (second.overall, second.texts("p:Results/p:ID")) == ("OK", [str(campaigns[1].pk)])
    foreign = criteria.replace("<Filter ", "<Filter xmlns:tns='urn:other' ")
    assert soap_of_alice.ask(retrieve("ID", foreign)).overall.startswith("Error: A Filter is a ")
