"""Add the parameters of Google Analytics to links. A parameter that is already in a link is kept."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, unquote_plus


def add_parameters(url: str, parameters: Mapping[str, str]) -> str:
    """Return a URL with the parameters that it does not have yet, before its fragment. The rest stays unchanged."""
    address, mark, fragment = url.partition("#")
    path, _, query = address.partition("?")
    query_names = {unquote_plus(pair.partition("=")[0]) for pair in query.split("&")}
    added = "&".join(
        [f"{name}={quote(value, safe='')}" for name, value in parameters.items() if name not in query_names]
    )
    if not added:
        return url
    separator = "?" if path == address else "" if not query or query.endswith("&") else "&"
    return f"{address}{separator}{added}{mark}{fragment}"
