"""Who asks: the three forms in which the wire's clients say it, all of which end at an API key.

A token comes before a user name, since older clients send a token together with the user `*`. Times and nonces of
WS-Security are not looked at: the secret itself is in the message, so they protect nothing that TLS does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpRequest
from lxml import etree

from accounts import guessing
from accounts.keys import KEY_SHAPE, find_key, find_key_of, key_text
from accounts.models import ApiKey
from api.soap.codes import LOGIN_FAILED, TOKEN_EXPIRED
from api.soap.errors import Fault, FaultKind
from api.soap.names import WSSE
from api.soap.reading import Element, elements, text_of
from api.soap.tokens import ExpiredToken, find_by_token

DIGEST = "#PasswordDigest"


def log_in(request: HttpRequest, headers: Sequence[Element]) -> ApiKey:
    """The living key. Raises a Fault that does not say what was wrong, unless it is that a token has ended."""
    token = token_of(headers)
    try:
        key = find_by_token(token) if token is not None else find_user(request, headers)
    except ExpiredToken:
        raise Fault(FaultKind.SECURITY, TOKEN_EXPIRED) from None
    if key is None:
        raise Fault(FaultKind.SECURITY, LOGIN_FAILED)
    return key


def token_of(headers: Sequence[Element]) -> str | None:
    """The token in a header. Clients differ in the namespace, so its name has to do."""
    for header in headers:
        name = etree.QName(header).localname
        if name == "fueloauth":
            return text_of(header) or ""
        if name == "oAuth":
            inner = next((each for each in header if etree.QName(each).localname == "oAuthToken"), None)
            return text_of(inner) or ""
    return None


def find_user(request: HttpRequest, headers: Sequence[Element]) -> ApiKey | None:
    """Return the key of a UsernameToken, or None if there is no such key."""
    tokens = (
        token
        for header in headers
        if header.tag == f"{{{WSSE}}}Security"
        for token in elements(header)
        if token.tag == f"{{{WSSE}}}UsernameToken"
    )
    token = next(tokens, None)
    if token is None:
        return None
    password = token.find(f"{{{WSSE}}}Password")
    # What is kept of a secret is a digest of its own, so one made of a nonce and a time cannot be checked.
    if password is None or password.get("Type", "").endswith(DIGEST):
        return None
    return find_named(request, text_of(token.find(f"{{{WSSE}}}Username")) or "", text_of(password) or "")


def find_named(request: HttpRequest, name: str, secret: str) -> ApiKey | None:
    """Return the living key with this secret if `name` is the key's id or its account's username.

    The secret is the whole text of the key, or its secret part alone.
    """
    caller = guessing.identify_caller(request, name)
    if guessing.is_locked(caller):
        return None
    is_whole = KEY_SHAPE.fullmatch(secret) is not None
    key = find_key(secret if is_whole else key_text(name, secret))
    if key is None and not is_whole:
        key = find_key_of(name, secret)
    if key is None or name not in {key.key_id, key.account.username}:
        guessing.note_wrong(caller)
        return None
    return key
