"""Test the choice of a transport, and the sandbox, which sends nothing."""

from __future__ import annotations

import pytest
from django.conf import settings

from mailer.transports import open_transport
from mailer.transports.base import NotSent, Sent
from mailer.transports.django_backend import DjangoBackendTransport
from mailer.transports.sandbox import SandboxTransport
from mailer.transports.smtp import SmtpTransport
from tests.mailer.transports.envelopes import make_envelope
from tests.mailer.transports.guards import TestGuard


@pytest.mark.parametrize(
    ("name", "kind"), [("smtp", SmtpTransport), ("django", DjangoBackendTransport), ("sandbox", SandboxTransport)]
)
def test_the_setting_chooses_the_transport(monkeypatch: pytest.MonkeyPatch, name: str, kind: type) -> None:
    monkeypatch.setattr(settings, "TRANSPORT", name)
    transport = open_transport()
    assert isinstance(transport, kind)
    transport.close()


def test_an_unknown_transport_stops_start_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "TRANSPORT", "pigeon")
    with pytest.raises(ValueError, match="TRANSPORT"):
        open_transport()


def test_the_sandbox_checks_the_gate_too() -> None:
    envelopes = [make_envelope(1, recipients=("a@example.net", "b@example.net")), make_envelope(2)]
    first, second = SandboxTransport().send_slice(envelopes, TestGuard(begin_limit=1))
    assert (first.message_id, first.outcomes) == (1, (Sent("sandbox"), Sent("sandbox")))
    assert isinstance(second.outcomes[0], NotSent)
