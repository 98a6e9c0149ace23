"""Find the address of this installation for clients of the SOAP API."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest


def base_url(request: HttpRequest) -> str:
    """Return `PUBLIC_URL`, or the address that the request came to, without a slash at the end."""
    public: str = settings.PUBLIC_URL
    if public != settings.LOCAL_URL:
        return public
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return public
