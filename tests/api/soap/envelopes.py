"""Write envelopes as clients of the SOAP API do, and parse the replies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.test import Client
from lxml import etree

from accounts.keys import create_key
from accounts.models import Account, ApiKey

PARTNER = "http://exacttarget.com/wsdl/partnerAPI"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
PASSWORD_TEXT = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
STATUS = f'<SystemStatusRequestMsg xmlns="{PARTNER}"/>'
XSI = "http://www.w3.org/2001/XMLSchema-instance"
NAMESPACES = {"soap": SOAP_11, "p": PARTNER, "wsa": "http://schemas.xmlsoap.org/ws/2004/08/addressing", "wsu": WSU}


def user(name: str, password: str) -> str:
    """Return a header that logs a user in."""
    return (
        f'<wsse:Security xmlns:wsse="{WSSE}"><wsse:UsernameToken><wsse:Username>{name}</wsse:Username>'
        f"<wsse:Password>{password}</wsse:Password></wsse:UsernameToken></wsse:Security>"
    )


def oauth(token: str) -> str:
    """Return a header with a token."""
    return f'<fueloauth xmlns="http://exacttarget.com">{token}</fueloauth>'


def envelope(body: str, header: str = "", *, soap: str = SOAP_11) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns:xsi="{XSI}"><s:Header>{header}</s:Header>'
        f"<s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def perform(action: str, *definitions: str | int) -> str:
    """Return a Perform request; a number stands for a send with that ID."""
    written = (
        f'<Definition xsi:type="Send"><ID>{each}</ID></Definition>' if isinstance(each, int) else each
        for each in definitions
    )
    return (
        f'<PerformRequestMsg xmlns="{PARTNER}"><Options/><Action>{action}</Action>'
        f"<Definitions>{''.join(written)}</Definitions></PerformRequestMsg>"
    )


def documented_cancel(username: str, password: str, send: int) -> bytes:
    """Return a cancel as the documentation of the API shows it, with a stray character between two elements."""
    nils = "".join(
        f'<ns1:{name} xsi:nil="true" />' for name in ("ObjectID", "NumberSent", "NumberDelivered", "SentDate")
    )
    return f"""<?xml version="1.0" encoding="UTF-8" ?>
    <SOAP-ENV:Envelope xmlns:SOAP-ENV="{SOAP_11}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="{XSI}">
        <SOAP-ENV:Header>
            <wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}">
                <wsse:UsernameToken>
                    <wsse:Username>{username}</wsse:Username>
                    <wsse:Password Type="{PASSWORD_TEXT}">{password}</wsse:Password>
                    <wsse:Nonce>On06D99VmKbjWKQiY6wYLk+IpIs=</wsse:Nonce>
                    <wsu:Created>2011-03-24T15:23:47Z</wsu:Created>
                </wsse:UsernameToken>
            </wsse:Security>
        </SOAP-ENV:Header>
        <SOAP-ENV:Body>
            <PerformRequestMsg xmlns="{PARTNER}">
                <Options />
                <Action>cancel</Action>
                <Definitions>
                    <ns1:Definition xmlns:ns1="{PARTNER}" xsi:type="ns1:Send">=
                        <ns1:ModifiedDate xsi:nil="true" />
                        <ns1:ID>{send}</ns1:ID>
                        {nils}
                    </ns1:Definition>
                </Definitions>
            </PerformRequestMsg>
        </SOAP-ENV:Body>
    </SOAP-ENV:Envelope>""".encode()


def retrieve(properties: str, criteria: str = "", *, kind: str = "Send", more: str = "") -> str:
    """Return a Retrieve request for properties whose names are separated by spaces."""
    named = "".join(f"<Properties>{name}</Properties>" for name in properties.split())
    return (
        f'<RetrieveRequestMsg xmlns="{PARTNER}"><RetrieveRequest><ObjectType>{kind}</ObjectType>{named}{criteria}{more}'
        "</RetrieveRequest></RetrieveRequestMsg>"
    )


def simple(name: str, operator: str, *values: object, tag: str = "Filter", kind: str = "Value") -> str:
    """Return a filter with one condition."""
    written = "".join(f"<{kind}>{value}</{kind}>" for value in values)
    return (
        f'<{tag} xsi:type="SimpleFilterPart"><Property>{name}</Property><SimpleOperator>{operator}</SimpleOperator>'
        f"{written}</{tag}>"
    )


def both(left: str, operator: str, right: str, *, tag: str = "Filter") -> str:
    """Return a filter that joins two, which have the tags LeftOperand and RightOperand."""
    return f'<{tag} xsi:type="ComplexFilterPart">{left}<LogicalOperator>{operator}</LogicalOperator>{right}</{tag}>'


@dataclass
class Reply:
    """A parsed reply."""

    status: int
    content: bytes
    headers: dict[str, str]

    @property
    def root(self) -> Any:
        return etree.fromstring(self.content)

    def texts(self, path: str) -> list[str]:
        """Return the texts of the elements at a path."""
        return [each.text or "" for each in self.root.iterfind(f".//{path}", NAMESPACES)]

    def text(self, path: str) -> str:
        texts = self.texts(path)
        assert len(texts) == 1, (path, texts, self.content)
        return texts[0]

    @property
    def fault(self) -> tuple[str, str]:
        """Return code and text of the fault."""
        assert self.status == 500, self.content
        return self.text("faultcode"), self.text("faultstring")

    @property
    def overall(self) -> str:
        assert self.status == 200, self.content
        return self.text("p:OverallStatus")

    @property
    def results(self) -> list[tuple[str, str, str]]:
        """Return status, error code and message of each result, without the receipt."""
        assert self.status == 200, self.content
        results = [*self.root.iterfind(".//p:Result", NAMESPACES)] or [*self.root.iterfind(".//p:Results", NAMESPACES)]
        return [
            (
                each.findtext("p:StatusCode", namespaces=NAMESPACES),
                each.findtext("p:ErrorCode", "", NAMESPACES),
                re.sub(r" \(receipt [\w-]{22}\)$", "", each.findtext("p:StatusMessage", namespaces=NAMESPACES)),
            )
            for each in results
        ]


def post(raw: bytes, path: str = "/Service.asmx", *, content_type: str = "text/xml", **headers: str) -> Reply:
    """Post bytes to the endpoint and return its answer."""
    answer = Client().generic("POST", path, raw, content_type=content_type, headers=headers)
    return Reply(answer.status_code, answer.content, dict(answer.items()))


class SoapCaller:
    """A caller that logs in with the account's name and one key."""

    def __init__(self, account: Account, scopes: list[str] | None = None) -> None:
        self.account = account
        self.key: ApiKey
        self.key, self.text = create_key(account, "a test's key", scopes)

    def ask(self, body: str, **options: Any) -> Reply:
        return post(envelope(body, user(self.account.username, self.text)), **options)


def token_of(caller: SoapCaller) -> str:
    answer = ask_token({"client_id": caller.key.key_id, "client_secret": caller.text})
    assert answer.status_code == 200
    return str(answer.json()["access_token"])


def ask_token(body: Any, path: str = "/v2/token") -> Any:
    return Client().post(path, body, content_type="application/json")


def request(operation: str, *objects: str) -> str:
    """Return a Create, Update or Delete request for sends with these properties."""
    written = "".join(f'<Objects xsi:type="Send">{each}</Objects>' for each in objects)
    return f'<{operation}Request xmlns="{PARTNER}"><Options/>{written}</{operation}Request>'
