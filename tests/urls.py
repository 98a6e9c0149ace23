"""List every URL of the product, from Django's list of routes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver

VALUES = {
    "campaign_id": "1",
    "delivery_id": "1",
    "endpoint_id": "1",
    "group_id": "1",
    "link": "x" * 60,
    "message": "x" * 50,
    "message_id": "1",
    "part": "0",
    "identifier_type": "email",
    "token": "x" * 60,
}
"""Values of path parameters that do not accept every text."""
PARAMETER = re.compile(r"<(?:\w+:)?\w+>")
"""Matches a parameter of a path of the admin."""


def routes(patterns: Iterable[URLPattern | URLResolver], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Yield each URL outside the admin, with its parameters as `<name>`, and its view."""
    for each in patterns:
        path = prefix + str(each.pattern).removeprefix("^")
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path)
        elif not path.startswith("/admin/"):
            yield simplify_regex(path).replace("\\", ""), each.callback


def admin_routes() -> dict[str, str]:
    """Return the path of each route of the admin with its parameters as `<name>`, keyed by the route's name."""
    return {name: path for name, path in _admin_routes(get_resolver().url_patterns, "/") if path.startswith("/admin/")}


def _admin_routes(patterns: Iterable[URLPattern | URLResolver], prefix: str) -> Iterator[tuple[str, str]]:
    for each in patterns:
        path = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _admin_routes(each.url_patterns, path)
        elif each.name:
            yield each.name, path


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """Return the URL with these values for its parameters, and `unknown` for others."""
    return re.sub("<([a-z_]+)>", lambda match: values.get(match[1], "unknown"), template)


VIEWS_OF_NOTHING = {"not_found", "error_404"}
TEMPLATES = [url for url, view in routes(get_resolver().url_patterns) if view.__name__ not in VIEWS_OF_NOTHING]

URLS = [fill_in(template, VALUES) for template in TEMPLATES]
