"""Provide one running Sluice for all mail servers, which use the same port one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from chaos.api import Api
from stack.downloads import Unavailable
from stack.running import RunningStack, free_port
from tests.mta.servers import Exim, Haraka, Postfix, Server
from tests.mta.waves import Site, running_server, running_sluice

ShowFigures = Callable[[str], None]
SERVERS: list[type[Server]] = [Postfix, Exim, Haraka]


@pytest.fixture(scope="package")
def smtp_port() -> int:
    return free_port(0)


@pytest.fixture(scope="package")
def sluice(smtp_port: int) -> Iterator[RunningStack]:
    """Start all programs of Sluice once: that takes longer than the tests with one server."""
    with running_sluice(smtp_port) as stack:
        yield stack


@pytest.fixture(scope="package", params=SERVERS, ids=lambda kind: kind.name)
def site(request: pytest.FixtureRequest, smtp_port: int) -> Iterator[Site]:
    """Start a mail server and, unless that cannot be had, Sluice in front of it."""
    try:
        with running_server(request.param, smtp_port) as server:
            stack = request.getfixturevalue("sluice")
            yield Site(server, server.version(), stack, Api(stack.base_url, stack.logins.api_key))
    except Unavailable as reason:
        pytest.skip(f"No {request.param.name} here: {reason}")


@pytest.fixture
def show_figures(site: Site, record_property: Callable[[str, object], None]) -> ShowFigures:
    """Add a line with the server's version to the summary at the end of the run (tests/conftest.py)."""
    return lambda text: record_property("figures", [f"{site.server.name} {site.version}: {text}"])
