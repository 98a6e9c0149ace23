"""Where this installation is found by the wire's clients."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest

UNSET: Final = "http://localhost:8000"
"""What `PUBLIC_URL` is when nobody has said it."""


def base_url(request: HttpRequest) -> str:
    """`PUBLIC_URL`, or where the request came to; without a slash at the end."""
    public: str = settings.PUBLIC_URL
    if public != UNSET:
        return public
    try:
        return f"{request.scheme}://{request.get_host()}"
    except DisallowedHost:
        return public
