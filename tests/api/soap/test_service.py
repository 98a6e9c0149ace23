"""The endpoint: whatever comes in is answered with an envelope, and whoever is not known learns nothing."""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from lxml import etree

from accounts.keys import create_key, revoke_key
from accounts.models import Account
from api.soap import guessing, operations
from api.soap.reading import MAX_BYTES
from campaigns.states import CampaignStatus
from tests.api.soap.envelopes import (
    NAMESPACES,
    PARTNER,
    SOAP_12,
    WSSE,
    WSU,
    XSI,
    Reply,
    SoapCaller,
    envelope,
    oauth,
    perform,
    post,
    retrieve,
    user,
)
from tests.campaigns.building import again, campaign_in, ready_campaign
from tests.conftest import Clock

SEED = Path(__file__).parents[4] / "shared" / "seeds" / "003_a46f9fb7646a64c4.txt"
LOGIN_FAILED = ("q0:Security", "Login Failed")
UNREADABLE = ("soap:Client", "Server was unable to read request.")
STATUS = f'<SystemStatusRequestMsg xmlns="{PARTNER}"/>'


# --- as clients write them --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SEED.exists(), reason="the envelope is not part of the product")
@pytest.mark.parametrize("headers", [{}, {"SOAPAction": '"Perform"'}])
def test_the_first_envelope_cancels_a_send(headers: dict[str, str], alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    said = SEED.read_bytes()
    said = said[said.index(b"<?xml") :]
    said = said.replace(b">XXX</wsse:Username>", b">alice</wsse:Username>")
    said = said.replace(b">XXX</wsse:Password>", f">{soap_of_alice.text}</wsse:Password>".encode())
    said = said.replace(b"29605", str(campaign.pk).encode())
    assert post(b"\n  " + said, **headers).results == [("OK", "", "Send canceled")]
    assert again(campaign).status == CampaignStatus.CANCELED


def quirky(caller: SoapCaller, send: int) -> bytes:
    """Text between elements, blanks before the declaration, times of long ago, a nonce without encoding, nils, and
    prefixes of the wire's namespace inside its default."""
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
    for said in ("Send canceled", "Send already canceled"):
        reply = post(quirky(soap_of_alice, campaign.pk), content_type="application/x-www-form-urlencoded")
        assert reply.results == [("OK", "", said)]
    assert again(campaign).status == CampaignStatus.CANCELED


@pytest.mark.parametrize("path", ["/Service.asmx", "/service.asmx"])
@pytest.mark.parametrize("action", [None, "Perform", '"Perform"', '""'])
def test_a_body_before_its_header_is_read(
    action: str | None, path: str, alice: Account, soap_of_alice: SoapCaller
) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    token = token_of(soap_of_alice)
    said = f"""<Envelope xmlns="{NAMESPACES["soap"]}" xmlns:xsi="{XSI}"><Body>{perform("cancel", campaign.pk)}</Body>
        <Header>{oauth(token)}</Header></Envelope>""".encode()
    headers = {"Accept": "application/json"} | ({} if action is None else {"SOAPAction": action})
    assert post(said, path, **headers).overall == "OK"


def test_the_newer_soap_is_answered_in_its_own_words(alice: Account, soap_of_alice: SoapCaller) -> None:
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


# --- who asks ---------------------------------------------------------------------------------------------------------


def token_of(caller: SoapCaller) -> str:
    answer = ask_token({"client_id": caller.key.key_id, "client_secret": caller.text})
    assert answer.status_code == 200
    return str(answer.json()["access_token"])


def ask_token(said: Any, path: str = "/v2/token") -> Any:
    return Client().post(path, said, content_type="application/json")


def check_in(header: str) -> Reply:
    return post(envelope(STATUS, header))


def test_every_form_of_login_is_taken(soap_of_alice: SoapCaller) -> None:
    token = token_of(soap_of_alice)
    legacy = f'<oAuth xmlns="http://exacttarget.com"><oAuthToken xmlns="">{token}</oAuthToken></oAuth>'
    for header in (
        user("alice", soap_of_alice.text),
        user(soap_of_alice.key.key_id, soap_of_alice.text),
        oauth(token),
        oauth(soap_of_alice.text),
        f"<fueloauth>{token}</fueloauth>",
        legacy + user("*", "*"),
    ):
        assert check_in(header).overall == "OK", header


def test_every_wrong_login_is_the_same_fault(
    soap_of_alice: SoapCaller, soap_of_charlie: SoapCaller, alice: Account
) -> None:
    digest = base64.b64encode(hashlib.sha1(b"nonce").digest()).decode()
    revoked, text = create_key(alice, "revoked")
    revoke_key(alice, revoked.key_id)
    faults = [
        check_in(header)
        for header in (
            "",
            user("nobody", soap_of_alice.text),
            user("alice", "SG.x"),
            user("alice", soap_of_charlie.text),
            user("*", "*"),
            user("", ""),
            user("alice", text),
            user("alice", soap_of_alice.text).replace("<wsse:Password>", '<wsse:Password Type="x#PasswordDigest">'),
            user("alice", digest),
            oauth(""),
            oauth("x"),
            oauth(token_of(soap_of_alice)[:-1]),
            oauth("x" * 10_000),
            oauth("x") + user("alice", soap_of_alice.text),
            f'<wsse:Security xmlns:wsse="{WSSE}"><wsse:UsernameToken/></wsse:Security>',
        )
    ]
    assert {fault.fault for fault in faults} == {LOGIN_FAILED}
    assert {fault.text("faultactor") for fault in faults} == {"http://testserver/Service.asmx"}
    assert f'<faultcode xmlns:q0="{WSSE}">q0:Security</faultcode>'.encode() in faults[0].content
    assert not faults[0].texts("detail")


def test_a_token_ends_with_its_time_and_with_its_key(soap_of_alice: SoapCaller, clock: Clock) -> None:
    token = token_of(soap_of_alice)
    clock.advance(seconds=1190)
    assert check_in(oauth(token)).overall == "OK"
    clock.advance(seconds=11)
    assert check_in(oauth(token)).fault == ("q0:Security", "Token Expired")
    fresh = token_of(soap_of_alice)
    revoke_key(soap_of_alice.account, soap_of_alice.key.key_id)
    assert check_in(oauth(fresh)).fault == LOGIN_FAILED


def test_a_token_says_where_to_go(soap_of_alice: SoapCaller, settings: Any) -> None:
    said = {"grant_type": "client_credentials", "client_id": "alice", "client_secret": soap_of_alice.text}
    answer = ask_token(said | {"account_id": "7"})
    made = answer.json()
    assert {key: made[key] for key in made if key != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 1200,
        "scope": "marketing_campaigns.read marketing_campaigns.create marketing_campaigns.update",
        "soap_instance_url": "http://testserver/",
        "rest_instance_url": "http://testserver/",
    }
    assert answer["Cache-Control"] == "no-store"
    settings.PUBLIC_URL = "https://mail.example.com/soap"
    form = "&".join(f"{key}={value}" for key, value in said.items())
    made = Client().post("/v2/token", form, content_type="application/x-www-form-urlencoded").json()
    assert made["soap_instance_url"] == "https://mail.example.com/soap/"
    asked = {"Authorization": f"Bearer {made['access_token']}"}
    assert Client().get("/platform/v1/endpoints/soap", headers=asked).json() == {
        "url": "https://mail.example.com/soap/Service.asmx"
    }
    legacy = ask_token({"clientId": "alice", "clientSecret": soap_of_alice.text}, "/v1/requestToken").json()
    assert (legacy["expiresIn"], check_in(oauth(legacy["accessToken"])).overall) == (1200, "OK")


def test_no_token_for_others(soap_of_alice: SoapCaller) -> None:
    wrong = ask_token({"client_id": "alice", "client_secret": "SG.x"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert ask_token({"client_id": 1, "client_secret": []}).status_code == 401
    for body in (b"[]", b"{", b"\xff", b"[" * 500):
        assert Client().post("/v2/token", body, content_type="application/json").status_code == 400
    other = {"grant_type": "password", "client_id": "alice", "client_secret": soap_of_alice.text}
    assert ask_token(other).json()["error"] == "unsupported_grant_type"
    assert ask_token({"clientId": "alice"}, "/v1/requestToken").status_code == 401
    assert Client().get("/platform/v1/endpoints/soap").status_code == 401


def test_whoever_guesses_has_to_wait(soap_of_alice: SoapCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "_locked", {})
    monkeypatch.setattr(guessing, "WRONG_PER_MINUTE", 2)
    right = user("alice", soap_of_alice.text)
    for _ in range(2):
        assert check_in(user("alice", "wrong")).fault == LOGIN_FAILED
    assert check_in(right).fault == LOGIN_FAILED
    assert check_in(user(soap_of_alice.key.key_id, soap_of_alice.text)).overall == "OK", "another name is no guess"
    headers = {"REMOTE_ADDR": "192.0.2.7"}
    elsewhere = Client().generic("POST", "/Service.asmx", envelope(STATUS, right), content_type="text/xml", **headers)
    assert elsewhere.status_code == 200


def test_a_key_needs_the_scope(alice: Account) -> None:
    reader = SoapCaller(alice, ["marketing_campaigns.read"])
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    assert reader.ask(retrieve("ID")).overall == "OK"
    code, text = reader.ask(perform("cancel", campaign.pk)).fault
    assert code == "soap:Client"
    assert "marketing_campaigns.update" in text
    assert again(campaign).status == CampaignStatus.SCHEDULED
    assert SoapCaller(alice, ["marketing.update"]).ask(perform("cancel", campaign.pk)).overall == "OK"


def test_a_key_acts_for_its_subusers(soap_of_alice: SoapCaller, subuser: Account) -> None:
    campaign = ready_campaign(subuser)
    said = envelope(retrieve("ID"), user("alice", soap_of_alice.text))
    assert post(said, **{"On-Behalf-Of": "alice-shop"}).texts("p:Results/p:ID") == [str(campaign.pk)]
    assert post(said).texts("p:Results/p:ID") == []
    assert post(said, **{"On-Behalf-Of": "charlie"}).fault[0] == "soap:Client"


def test_a_key_may_ask_so_often(soap_of_alice: SoapCaller, settings: Any) -> None:
    settings.RATE_LIMIT_PER_MINUTE = 1
    assert soap_of_alice.ask(STATUS).overall == "OK"
    reply = soap_of_alice.ask(STATUS)
    assert reply.fault == ("soap:Client", "Too many requests in this minute.")
    assert 1 <= int(reply.headers["Retry-After"]) <= 60


# --- what cannot be done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Query", "Execute", "Extract", "Configure", "Schedule", "VersionInfo"])
def test_other_operations_are_named_in_a_fault(name: str, soap_of_alice: SoapCaller) -> None:
    reply = soap_of_alice.ask(f'<{name}RequestMsg xmlns="{PARTNER}"/>', SOAPAction=name)
    assert reply.fault == ("soap:Client", f"{name} is not supported here.")


@pytest.mark.parametrize("action", ["Test", "Retrieve", '"http://x/Nonsense"'])
def test_an_action_that_is_not_the_bodys_is_refused(action: str, alice: Account, soap_of_alice: SoapCaller) -> None:
    campaign = campaign_in(alice, CampaignStatus.SCHEDULED)
    code, text = soap_of_alice.ask(perform("cancel", campaign.pk), SOAPAction=action).fault
    named = action.strip('"').rpartition("/")[2]
    assert (code, text) == (
        "soap:Client",
        f"Server did not recognize the value of HTTP Header SOAPAction: {named}.",
    )
    assert again(campaign).status == CampaignStatus.SCHEDULED


def with_doctype(declarations: str, text: str = "cancel") -> bytes:
    said = envelope(perform(text, 1)).decode()
    return f'<?xml version="1.0"?><!DOCTYPE x [{declarations}]>{said}'.encode()


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


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_read_is_a_fault(name: str, database: None) -> None:
    reply = post(HOSTILE[name])
    assert reply.fault == UNREADABLE
    assert reply.texts("detail") == [""]


def test_a_doctype_in_a_comment_or_in_a_text_is_none(soap_of_alice: SoapCaller) -> None:
    said = envelope(STATUS.replace("/>", "><Options><![CDATA[<!DOCTYPE html>]]></Options></SystemStatusRequestMsg>"))
    said = said.replace(b"<s:Header>", b"<s:Header>" + user("alice", soap_of_alice.text).encode())
    assert post(b"<?xml version='1.0'?><!-- <!DOCTYPE x> -->" + said).overall == "OK"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_read(encoding: str, soap_of_alice: SoapCaller) -> None:
    said = envelope(STATUS, user("alice", soap_of_alice.text)).decode()
    named = encoding.removesuffix("-sig")
    assert post(f'<?xml version="1.0" encoding="{named}"?>{said}'.encode(encoding)).overall == "OK"


def test_what_is_compressed_is_not_unpacked(database: None) -> None:
    assert post(envelope(STATUS), **{"Content-Encoding": "gzip"}).fault == UNREADABLE


def test_a_body_just_below_the_bound_is_read(soap_of_alice: SoapCaller) -> None:
    said = envelope(STATUS, user("alice", soap_of_alice.text))
    assert post(said + b" " * (MAX_BYTES - len(said))).overall == "OK"
    assert post(said + b" " * (MAX_BYTES - len(said) + 1)).fault == UNREADABLE


def test_what_is_said_stays_text(soap_of_alice: SoapCaller) -> None:
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
    for method in ("get", "put", "delete", "options"):
        assert getattr(Client(), method)("/Service.asmx").status_code == 405
    assert Client().get("/Service.asmx/").status_code == 404


def test_a_host_that_is_not_allowed_is_a_fault(database: None) -> None:
    answer = Client(HTTP_HOST="elsewhere.example").post("/Service.asmx", b"", content_type="text/xml")
    assert Reply(answer.status_code, answer.content, {}).fault == UNREADABLE


@pytest.fixture
def database_away(soap_of_alice: SoapCaller) -> Iterator[None]:
    known = {name: connection.settings_dict[name] for name in ("HOST", "PORT")}
    connection.close()
    connection.settings_dict.update(HOST="/nowhere", PORT="1")
    yield
    connection.close()
    connection.settings_dict.update(known)


def test_without_the_database_it_is_a_fault_of_ours(soap_of_alice: SoapCaller, database_away: None) -> None:
    reply = soap_of_alice.ask(STATUS)
    assert reply.fault == ("soap:Server", "The database is away; ask again.")
    (code,) = reply.root.iterfind(".//{urn:fault.partner.exacttarget.com}Code")
    assert code.text == "13"
    assert ask_token({"client_id": "alice", "client_secret": soap_of_alice.text}).status_code == 503


def test_a_fault_of_ours_says_nothing_of_itself(
    soap_of_alice: SoapCaller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: Any) -> Any:
        raise RuntimeError("inside")

    table = dict(operations.OPERATIONS) | {"SystemStatusRequestMsg": operations.Operation("GetSystemStatus", broken)}
    monkeypatch.setattr("api.soap.views.OPERATIONS", table)
    reply = soap_of_alice.ask(STATUS)
    assert reply.fault == ("soap:Server", "The request could not be done.")
    assert b"inside" not in reply.content
    assert "soap_call_failed" in caplog.text


def test_no_secret_is_logged(
    soap_of_alice: SoapCaller, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    token = token_of(soap_of_alice)
    for header in (user("alice", soap_of_alice.text), oauth(token), user("alice", f"{soap_of_alice.text}x")):
        check_in(header)
    shown = capfd.readouterr()
    for secret in (soap_of_alice.text.rpartition(".")[2], token):
        assert secret not in caplog.text + shown.out + shown.err
    assert "soap_call" in caplog.text
