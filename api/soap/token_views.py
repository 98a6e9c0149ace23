"""Tokens over HTTP: JSON, beside the wire itself, as its client libraries ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import allows
from accounts.models import ApiKey
from api.auth import bearer_text
from api.http import BadBody, NotJson, parse_json, read_within
from api.soap.addresses import base_url
from api.soap.login import find_named
from api.soap.tokens import TOKEN_SECONDS, ExpiredToken, find_by_token, make_token
from foundation.responses import accept_methods

MAX_BYTES: Final = 16 * 1024
SCOPES: Final = tuple(f"marketing_campaigns.{verb}" for verb in ("read", "create", "update"))
"""What of a key's scopes this wire has a use for."""
WRONG: Final = {"error": "invalid_client", "error_description": "Invalid client ID or secret."}
AWAY: Final = {"error": "temporarily_unavailable", "error_description": "The database is away; ask again."}


@csrf_exempt
@accept_methods("POST")
def token(request: HttpRequest) -> HttpResponse:
    """`/v2/token`, the client credentials of OAuth 2."""
    try:
        said = read_said(request)
        if said.get("grant_type", "client_credentials") != "client_credentials":
            return JsonResponse({"error": "unsupported_grant_type", "error_description": "Not supported."}, status=400)
        key = key_of(request, said.get("client_id"), said.get("client_secret"))
    except BadBody:
        return JsonResponse({"error": "invalid_request", "error_description": "No JSON object."}, status=400)
    except (OperationalError, InterfaceError):
        return JsonResponse(AWAY, status=503)
    if key is None:
        return JsonResponse(WRONG, status=401)
    address = f"{base_url(request)}/"
    return unkept(
        {
            "access_token": make_token(key),
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": " ".join(scope for scope in SCOPES if allows(key.scopes, scope)),
            "soap_instance_url": address,
            "rest_instance_url": address,
        }
    )


@csrf_exempt
@accept_methods("POST")
def request_token(request: HttpRequest) -> HttpResponse:
    """`/v1/requestToken`, as clients asked before."""
    try:
        said = read_said(request)
        key = key_of(request, said.get("clientId"), said.get("clientSecret"))
    except BadBody:
        return JsonResponse({"message": "No JSON object.", "errorcode": 0, "documentation": ""}, status=400)
    except (OperationalError, InterfaceError):
        return JsonResponse({"message": "Ask again.", "errorcode": 0, "documentation": ""}, status=503)
    if key is None:
        return JsonResponse({"message": "Unauthorized", "errorcode": 1, "documentation": ""}, status=401)
    made = make_token(key)
    return unkept({"accessToken": made, "expiresIn": TOKEN_SECONDS, "legacyToken": made})


@accept_methods("GET")
def endpoint(request: HttpRequest) -> HttpResponse:
    """`/platform/v1/endpoints/soap`: where the wire is."""
    text = bearer_text(request)
    try:
        key = find_by_token(text) if text else None
    except ExpiredToken:
        key = None
    except (OperationalError, InterfaceError):
        return JsonResponse(AWAY, status=503)
    if key is None:
        return JsonResponse({"message": "Not Authorized", "errorcode": 1, "documentation": ""}, status=401)
    return JsonResponse({"url": f"{base_url(request)}/Service.asmx"})


def read_said(request: HttpRequest) -> Mapping[str, Any]:
    """A JSON object, or a form. Raises BadBody."""
    body = read_within(request, MAX_BYTES)
    if request.META.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=20))
    said = parse_json(body)
    if not isinstance(said, dict):
        raise NotJson
    return said


def key_of(request: HttpRequest, name: object, secret: object) -> ApiKey | None:
    """The key that is asked for a token."""
    if not isinstance(name, str) or not isinstance(secret, str):
        return None
    return find_named(request, name, secret)


def unkept(said: Mapping[str, Any]) -> JsonResponse:
    """An answer with a secret in it, which nobody on the way may keep."""
    return JsonResponse(said, headers={"Cache-Control": "no-store"})
