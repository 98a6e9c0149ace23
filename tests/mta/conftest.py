"""One running site for each mail server: it is started once, for all tests with that server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stack.say import say
from tests.mta.packages import Unavailable
from tests.mta.servers import Exim, Haraka, Postfix, Server
from tests.mta.waves import Site, running_site

SERVERS: list[type[Server]] = [Postfix, Exim, Haraka]


@pytest.fixture(
    scope="session",
    params=[pytest.param(kind, id=kind.name, marks=pytest.mark.xdist_group(kind.name)) for kind in SERVERS],
)
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A mail server with a whole Sluice in front of it."""
    try:
        with running_site(request.param) as site:
            say(f"{site.server.name} {site.server.version()}")
            yield site
    except Unavailable as reason:
        pytest.skip(f"No {request.param.name} here: {reason}")
