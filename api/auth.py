"""Who asks, and for whom: bearer keys, their scopes, On-Behalf-Of. Shared by the dialects that speak of keys."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, MethodNotAllowed, NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.keys import allows, find_key
from accounts.models import Account, ApiKey
from accounts.subusers import find_subuser

Needed = dict[str, str | tuple[str, ...] | None]
"""By method the scope it needs, or several of which one is enough; None: any key will do."""


def campaign_scopes(verb: str) -> tuple[str, str]:
    """What a key for campaigns has to have one of; SendGrid's keys have scopes of both names."""
    return f"marketing_campaigns.{verb}", f"marketing.{verb}"


def needing(**verbs: str) -> Needed:
    """What each method of an endpoint of campaigns needs."""
    return {method: campaign_scopes(verb) for method, verb in verbs.items()}


def bearer_text(request: HttpRequest | Request) -> str | None:
    """What follows `Bearer` in the Authorization header; None when there is nothing of that form."""
    # From META: `headers` would be made of all of them, which costs as much as reading a small body.
    kind, _, text = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    return text.strip() or None if kind.lower() == "bearer" else None


def key_of(request: Request) -> ApiKey:
    """The key of a request that KeyAuthentication let in."""
    return cast("ApiKey", request.auth)


def acting_account(request: Request) -> Account:
    """The account a request is for: the key's, or the subuser that `On-Behalf-Of` names. Raises UnknownSubuser."""
    account = key_of(request).account
    named = request.headers.get("On-Behalf-Of", "").strip()
    return find_subuser(account, named) if named else account


class KeyAuthentication(BaseAuthentication):
    """`request.user` becomes the key's account, `request.auth` the key."""

    def authenticate(self, request: Request) -> tuple[Account, ApiKey]:
        text = bearer_text(request)
        if text is None:
            raise NotAuthenticated
        key = find_key(text)
        if key is None:
            raise AuthenticationFailed
        return key.account, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HoldsScope(BasePermission):
    """The view says in `scopes` what each method needs, one of several where it names them; None asks for a key and no
    scope."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        needed: Needed = getattr(view, "scopes", {})
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method not in needed:
            raise MethodNotAllowed(method)
        scope = needed[method]
        if scope is None:
            return True
        held = key_of(request).scopes
        return any(allows(held, each) for each in ((scope,) if isinstance(scope, str) else scope))
