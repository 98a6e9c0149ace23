"""Every request is answered with an envelope, and an invalid one with a fault."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.test import Client
from lxml import etree

from accounts.models import Account
from api.soap import operations, reading
from api.soap.reading import MAX_BYTES
from campaigns.states import CampaignStatus
from tests.api.soap.envelopes import (
    PARTNER,
    SOAP_11,
    STATUS,
    XSI,
    Reply,
    SoapCaller,
    ask_token,
    envelope,
    oauth,
    perform,
    post,
    token_of,
    user,
)
from tests.campaigns.building import again, campaign_in

UNREADABLE = ("soap:Client", "Server was unable to read request.")


def test_other_operations_are_named_in_a_fault(soap_of_alice: SoapCaller, subtests: pytest.Subtests) -> None:
    for name in ["Query", "Execute", "Extract", "Configure", "Schedule", "VersionInfo"]:
        with subtests.test(name=name):
            reply = soap_of_alice.ask(f'<{name}RequestMsg xmlns="{PARTNER}"/>', SOAPAction=name)
            assert reply.fault == ("soap:Client", f"{name} is not supported here.")


def test_an_action_that_is_not_the_bodys_is_refused(
    alice: Account, soap_of_alice: SoapCaller, subtests: pytest.Subtests
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    for action in ["Test", "Retrieve", '"http://x/Nonsense"']:
        with subtests.test(action=action):
            code, text = soap_of_alice.ask(perform("cancel", campaign.pk), SOAPAction=action).fault
            named = action.strip('"').rpartition("/")[2]
            assert (code, text) == (
                "soap:Client",
                f"Server did not recognize the value of HTTP Header SOAPAction: {named}.",
            )
            assert again(campaign).status == CampaignStatus.SCHEDULED


def with_doctype(declarations: str, text: str = "cancel") -> bytes:
    text_of_envelope = envelope(perform(text, 1)).decode()
    return f'<?xml version="1.0"?><!DOCTYPE x [{declarations}]>{text_of_envelope}'.encode()


LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(12))
HOSTILE = {
    "nothing": b"",
    "blanks": b" \n",
    "no XML": b"{}",
    "cut off": envelope(STATUS)[:-20],
    "two roots": envelope(STATUS) * 2,
    "no envelope": b"<x/>",
    "another envelope": envelope(STATUS, soap="urn:x"),
    "no body": envelope(STATUS).replace(b"s:Body", b"s:Rest"),
    "an empty body": envelope(""),
    "text in the body": envelope("text"),
    "another namespace": envelope('<PerformRequestMsg xmlns="urn:x"/>'),
    "another element": envelope(f'<Nonsense xmlns="{PARTNER}"/>'),
    "a file": with_doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
    "an address": with_doctype('<!ENTITY x SYSTEM "http://127.0.0.1:1/">', "&x;"),
    "a parameter entity": with_doctype('<!ENTITY % x SYSTEM "http://127.0.0.1:1/x.dtd"> %x;'),
    "an entity": with_doctype('<!ENTITY x "cancel">', "&x;"),
    "an empty doctype": with_doctype(""),
    "a doctype from elsewhere": envelope(STATUS).replace(
        b"<s:Env", b'<!DOCTYPE x SYSTEM "http://127.0.0.1:1/"><s:Env', 1
    ),
    "a doctype behind a comment": b"<?x?><!-- > --><!DOCTYPE x><!-- -->" + envelope(STATUS),
    "many declarations": with_doctype("<!ATTLIST x" + "".join(f' a{n} CDATA "x"' for n in range(80_000)) + ">"),
    "a doctype in UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x>' + envelope(STATUS),
    "an entity that nobody knows": envelope(perform("&x;", 1)),
    "a billion laughs": with_doctype(LAUGHS, "&a12;"),
    "a quadratic blow-up": with_doctype(f'<!ENTITY x "{"x" * 50_000}">', "&x;" * 50_000),
    "laughs in UTF-16": with_doctype(LAUGHS, "&a12;").decode().encode("utf-16"),
    "deep": envelope("<x>" * 100_000 + "</x>" * 100_000),
    "control characters": envelope(perform("can\x01cel", 1)),
    "a control character by number": envelope(perform("can&#1;cel", 1)),
    "invalid UTF-8": envelope(perform("cancel", 1)).replace(b"cancel", b"\xff\xfe\xc3"),
    "an unbound prefix": envelope("<x:y/>"),
    "too large": envelope(f"<x>{' ' * MAX_BYTES}</x>"),
}


def test_an_unreadable_request_is_a_fault(database: None, subtests: pytest.Subtests) -> None:
    for name in HOSTILE:
        with subtests.test(name=name):
            reply = post(HOSTILE[name])
            assert reply.fault == UNREADABLE
            assert reply.texts("detail") == [""]


def test_a_doctype_in_a_comment_or_in_a_text_is_allowed(soap_of_alice: SoapCaller) -> None:
    document = envelope(
        STATUS.replace("/>", "><Options><![CDATA[<!DOCTYPE html>]]></Options></SystemStatusRequestMsg>")
    )
    document = document.replace(b"<s:Header>", b"<s:Header>" + user("alice", soap_of_alice.text).encode())
    assert post(b"<?xml version='1.0'?><!-- <!DOCTYPE x> -->" + document).overall == "OK"


def test_a_byte_order_mark_is_read(soap_of_alice: SoapCaller, subtests: pytest.Subtests) -> None:
    for encoding in ["utf-8-sig", "utf-16"]:
        with subtests.test(encoding=encoding):
            document = envelope(STATUS, user("alice", soap_of_alice.text)).decode()
            named = encoding.removesuffix("-sig")
            assert post(f'<?xml version="1.0" encoding="{named}"?>{document}'.encode(encoding)).overall == "OK"


def test_a_type_among_very_many_prefixes_is_not_looked_up(soap_of_alice: SoapCaller) -> None:
    many = " ".join(f'xmlns:a{n}="u"' for n in range(2000))
    definition = f'<Definition {many} xsi:type="a1:Send"><ID>1</ID></Definition>'
    assert soap_of_alice.ask(perform("cancel", definition)).fault == UNREADABLE


def test_compressed_bodies_are_not_unpacked(database: None) -> None:
    assert post(envelope(STATUS), **{"Content-Encoding": "gzip"}).fault == UNREADABLE


def test_a_body_just_below_the_bound_is_read(soap_of_alice: SoapCaller) -> None:
    document = envelope(STATUS, user("alice", soap_of_alice.text))
    assert post(document + b" " * (MAX_BYTES - len(document))).overall == "OK"
    assert post(document + b" " * (MAX_BYTES - len(document) + 1)).fault == UNREADABLE


def test_text_with_markup_stays_text(soap_of_alice: SoapCaller) -> None:
    body = perform(
        "cancel",
        '<Definition xsi:type="&lt;Evil&gt;"/>',
        "<Definition xsi:type='Send'><ID>&lt;x/&gt;</ID></Definition>",
    )
    reply = soap_of_alice.ask(body)
    assert b"vil" not in reply.content
    assert [code for _, code, _ in reply.results] == ["8", "7050"]
    assert etree.fromstring(reply.content) is not None


def test_other_methods_have_nothing_here(database: None) -> None:
    for method in ("get", "put", "delete", "trace"):
        assert getattr(Client(), method)("/Service.asmx").status_code == 405
    assert Client().get("/Service.asmx/").status_code == 404


def test_a_host_that_is_not_allowed_is_a_fault(database: None) -> None:
    answer = Client(HTTP_HOST="elsewhere.example").post("/Service.asmx", b"", content_type="text/xml")
    assert Reply(answer.status_code, answer.content, {}).fault == UNREADABLE


def test_without_the_database_every_call_is_an_internal_error(soap_of_alice: SoapCaller, database_away: None) -> None:
    reply = soap_of_alice.ask(STATUS)
    assert reply.fault == ("soap:Server", "The database is away; try again.")
    (code,) = reply.root.iterfind(".//{urn:fault.partner.exacttarget.com}Code")
    assert code.text == "13"
    assert ask_token({"client_id": "alice", "client_secret": soap_of_alice.text}).status_code == 503


def test_an_internal_error_reveals_no_details(
    soap_of_alice: SoapCaller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: Any) -> Any:
        raise RuntimeError("inside")

    table = dict(operations.OPERATIONS) | {"SystemStatusRequestMsg": operations.Operation("GetSystemStatus", broken)}
    monkeypatch.setattr("api.soap.views.OPERATIONS", table)
    reply = soap_of_alice.ask(STATUS)
    assert reply.fault == ("soap:Server", "The request could not be carried out.")
    assert b"inside" not in reply.content
    assert "SOAP call failed" in caplog.text


def test_no_secret_is_logged(
    soap_of_alice: SoapCaller, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    token = token_of(soap_of_alice)
    for header in (user("alice", soap_of_alice.text), oauth(token), user("alice", f"{soap_of_alice.text}x")):
        post(envelope(STATUS, header))
    shown = capfd.readouterr()
    for secret in (soap_of_alice.text.rpartition(".")[2], token):
        assert secret not in caplog.text + shown.out + shown.err
    assert "SOAP call" in caplog.text


def test_nothing_but_the_beginning_is_parsed_for_a_caller_without_a_key(
    alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse_all(document: bytes) -> None:
        raise AssertionError("two megabytes were parsed for nobody")

    monkeypatch.setattr("api.soap.views.read_envelope", parse_all)
    many = "<a/>" * 400_000
    for document in (
        envelope(STATUS, many),
        envelope(STATUS, "<a>" * 200 + many),
        envelope(STATUS + many, user("alice", "SG.wrong")),
        envelope(STATUS, "".join(f'<a xmlns:a{n}="urn:{n}"/>' for n in range(60_000))),
        envelope(STATUS, "<a " + " ".join(f'a{n}=""' for n in range(100_000)) + "/>"),
        envelope(many).replace(b"<s:Header></s:Header>", b""),
        b"<?x?>" * 300_000 + envelope(STATUS),
    ):
        assert post(document).fault in {UNREADABLE, ("q0:Security", "Login Failed")}


def test_of_a_long_document_the_beginning_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counting(etree.XMLPullParser):
        def feed(self, data: Any) -> None:
            sizes.append(len(data))
            super().feed(data)

    monkeypatch.setattr("api.soap.reading.etree.XMLPullParser", Counting)
    assert reading.read_opening(envelope("<a/>" * 500_000, oauth("x"))).headers
    assert sum(sizes) == reading.PIECE_BYTES, "up to the end of the header"
    sizes.clear()
    assert reading.read_opening(envelope(STATUS, "<a/>" * 500_000)).headers == []
    assert sum(sizes) == reading.OPENING_BYTES


def test_a_short_document_with_very_many_headers_is_refused(database: None) -> None:
    assert post(envelope(STATUS, "<a/>" * 1000)).fault == UNREADABLE


def with_header_last(body: str, header: str, *, prefix: str = "s") -> str:
    """Return an envelope with its header behind its body; without a prefix it is in the default namespace."""
    tag = f"{prefix}:" if prefix else ""
    declaration = f"xmlns:{prefix}" if prefix else "xmlns"
    return (
        f'<{tag}Envelope {declaration}="{SOAP_11}" xmlns:ns1="{SOAP_11}" xmlns:xsi="{XSI}" '
        'xmlns:xml="http://www.w3.org/XML/1998/namespace" xmlns:quoted="urn:a&amp;b\'c">'
        f"<{tag}Body>{body}</{tag}Body><{tag}Header>{header}</{tag}Header></{tag}Envelope>"
    )


def test_a_long_document_is_served_with_its_header_first_or_last(soap_of_alice: SoapCaller) -> None:
    long = STATUS + f"<!--{'x' * 100_000}-->"
    assert soap_of_alice.ask(long).overall == "OK"
    for header in (user("alice", soap_of_alice.text), oauth(token_of(soap_of_alice))):
        for prefix in ("s", "SOAP-ENV", "ü", ""):
            assert post(with_header_last(long, header, prefix=prefix).encode()).overall == "OK"
    padded = with_header_last(
        long, f"<!--{'x' * (reading.OPENING_BYTES - 1500)}-->" + user("alice", soap_of_alice.text)
    )
    assert post(padded.encode()).overall == "OK"
    longer = padded.replace("<!--", f"<!--{'x' * 1500}")
    assert post(longer.encode()).fault == ("q0:Security", "Login Failed")


def test_text_that_looks_like_a_last_header_authenticates_nobody(soap_of_alice: SoapCaller) -> None:
    login = user("alice", soap_of_alice.text)
    header = f"<s:Header>{login}</s:Header>"
    padding = f"<!--{'x' * 100_000}-->"
    around = with_header_last(f"{STATUS}{padding}%s", "")
    for body in (header, f"<![CDATA[{header}</s:Envelope>]]>", f"<!--{header}</s:Envelope>-->", f"<a>{header}</a>"):
        document = around % body
        for tail in ("<s:Header></s:Header>", ""):
            text = document.replace("<s:Header></s:Header></s:Envelope>", f"{tail}</s:Envelope>")
            assert post(text.encode()).fault == ("q0:Security", "Login Failed"), (body[:20], tail)
    broken = with_header_last(f"{STATUS}{padding}<a>", login)
    assert post(broken.encode()).fault == UNREADABLE
