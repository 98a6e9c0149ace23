"""Answer the JSON calls with which the client libraries of the SOAP API get their tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from accounts.keys import allows
from accounts.models import ApiKey
from api.caller import CallerRefused, NoCredentials, UnknownCredentials, bearer_text, find_by_name
from api.http import BadBody, NotJson, parse_json, read_within
from api.soap.addresses import base_url
from api.soap.tokens import TOKEN_SECONDS, find_by_token, make_token
from foundation.responses import accept_methods

MAX_BYTES: Final = 16 * 1024
SCOPES: Final = tuple(f"marketing_campaigns.{verb}" for verb in ("read", "create", "update"))
"""The scopes that an answer lists, as far as the key has them: the calls of the SOAP API need no others."""
WRONG: Final = {"error": "invalid_client", "error_description": "Invalid client ID or secret."}
AWAY: Final = {"error": "temporarily_unavailable", "error_description": "The database is away; try again."}


@csrf_exempt
@accept_methods("POST")
def token(request: HttpRequest) -> HttpResponse:
    """Answer `/v2/token`, the client credentials grant of OAuth 2 (RFC 6749, section 4.4)."""
    try:
        fields = read_fields(request)
        if fields.get("grant_type", "client_credentials") != "client_credentials":
            return JsonResponse(
                {"error": "unsupported_grant_type", "error_description": "The grant_type must be client_credentials."},
                status=400,
            )
        key = find_client(request, fields.get("client_id"), fields.get("client_secret"))
    except BadBody:
        return JsonResponse(
            {"error": "invalid_request", "error_description": "The body is not a JSON object."}, status=400
        )
    except CallerRefused:
        return JsonResponse(WRONG, status=401)
    except (OperationalError, InterfaceError):
        return JsonResponse(AWAY, status=503)
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
    """Answer `/v1/requestToken`, which older clients call."""
    try:
        fields = read_fields(request)
        key = find_client(request, fields.get("clientId"), fields.get("clientSecret"))
    except BadBody:
        return JsonResponse(
            {"message": "The body is not a JSON object.", "errorcode": 0, "documentation": ""}, status=400
        )
    except CallerRefused:
        return JsonResponse({"message": "Unauthorized", "errorcode": 1, "documentation": ""}, status=401)
    except (OperationalError, InterfaceError):
        return JsonResponse(
            {"message": "The database is away; try again.", "errorcode": 0, "documentation": ""}, status=503
        )
    text = make_token(key)
    return unkept({"accessToken": text, "expiresIn": TOKEN_SECONDS, "legacyToken": text})


@accept_methods("GET")
def endpoint(request: HttpRequest) -> HttpResponse:
    """Answer `/platform/v1/endpoints/soap`: the address of the SOAP API."""
    text = bearer_text(request)
    try:
        if text is None:
            raise NoCredentials
        find_by_token(text)
    except CallerRefused:
        return JsonResponse({"message": "Not Authorized", "errorcode": 1, "documentation": ""}, status=401)
    except (OperationalError, InterfaceError):
        return JsonResponse(AWAY, status=503)
    return JsonResponse({"url": f"{base_url(request)}/Service.asmx"})


def read_fields(request: HttpRequest) -> Mapping[str, Any]:
    """Return the fields of a JSON object or of a form. Raises BadBody."""
    body = read_within(request, MAX_BYTES)
    if request.META.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=20))
    fields = parse_json(body)
    if not isinstance(fields, dict):
        raise NotJson
    return fields


def find_client(request: HttpRequest, name: object, secret: object) -> ApiKey:
    """Return the key for which a token is requested. Raises UnknownCredentials."""
    if not isinstance(name, str) or not isinstance(secret, str):
        raise UnknownCredentials
    return find_by_name(request, name, secret)


def unkept(fields: Mapping[str, Any]) -> JsonResponse:
    """Return an answer with a secret in it, which no cache may store."""
    return JsonResponse(fields, headers={"Cache-Control": "no-store"})
