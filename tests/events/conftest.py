"""Provide receivers of webhooks, and endpoints that post to them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import pytest

from accounts.models import Account
from events.models import Dialect, Endpoint
from events.webhooks.endpoints import create_endpoint
from tests.events.receiver import Receiver


@pytest.fixture
def loopback(settings: Any) -> None:
    """Let endpoints be on this machine."""
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver(loopback: None) -> Iterator[Receiver]:
    """Run a receiver on this machine."""
    with Receiver() as server:
        yield server


@pytest.fixture
def endpoint(alice: Account, receiver: Receiver) -> Endpoint:
    """Create an endpoint of Alice in the native dialect."""
    return create_endpoint(alice, Dialect.NATIVE, receiver.url)
