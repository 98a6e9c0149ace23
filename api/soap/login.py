"""Log in: read the three forms of credentials that SOAP clients send, each of which names an API key.

A token is used rather than a user name, because older clients send a token together with the user `*`. Times and nonces
of WS-Security are ignored: the secret itself is in the message, so they protect nothing that TLS does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from lxml import etree

from accounts.models import ApiKey
from api.caller import NoCredentials, find_by_name
from api.soap.names import WSSE
from api.soap.reading import Element, elements, text_of
from api.soap.tokens import find_by_token

DIGEST = "#PasswordDigest"


def log_in(request: HttpRequest, headers: Sequence[Element]) -> ApiKey:
    """Return the valid key of the caller. Raises NoCredentials and UnknownCredentials."""
    token = token_of(headers)
    return find_by_token(token) if token is not None else find_user(request, headers)


def token_of(headers: Sequence[Element]) -> str | None:
    """Return the token in a header, or None. Clients use different namespaces, so only the local name counts."""
    for header in headers:
        name = etree.QName(header).localname
        if name == "fueloauth":
            return text_of(header) or ""
        if name == "oAuth":
            inner = next((each for each in header if etree.QName(each).localname == "oAuthToken"), None)
            return text_of(inner) or ""
    return None


def find_user(request: HttpRequest, headers: Sequence[Element]) -> ApiKey:
    """Return the key of a UsernameToken. Raises NoCredentials and UnknownCredentials."""
    tokens = (
        token
        for header in headers
        if header.tag == f"{{{WSSE}}}Security"
        for token in elements(header)
        if token.tag == f"{{{WSSE}}}UsernameToken"
    )
    token = next(tokens, None)
    if token is None:
        raise NoCredentials
    password = token.find(f"{{{WSSE}}}Password")
    # Only a digest of the secret is stored, so a digest of secret, nonce and time cannot be checked.
    if password is None or password.get("Type", "").endswith(DIGEST):
        raise NoCredentials
    return find_by_name(request, text_of(token.find(f"{{{WSSE}}}Username")) or "", text_of(password) or "")
