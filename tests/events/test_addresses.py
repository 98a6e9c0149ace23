"""Test the addresses of endpoints: public ones, and those that the settings name."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest

from events.webhooks.addresses import ForbiddenAddress, Unresolved, is_allowed, resolve

PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e")
INSIDE = (
    *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
    *("255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.0.8", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1"),
    *("ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::a00:1", "64:ff9b::7f00:1"),
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
)


def test_only_public_addresses_are_allowed() -> None:
    assert [each for each in PUBLIC if not is_allowed(each, [])] == []
    assert [each for each in INSIDE if is_allowed(each, [])] == []
    networks = [ip_network("10.0.0.0/8"), ip_network("::1/128")]
    assert [each for each in INSIDE if is_allowed(each, networks)] == [
        *("10.1.2.3", "::1", "::ffff:10.0.0.1", "64:ff9b::a00:1")
    ]


def test_one_forbidden_address_of_a_name_is_enough(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    def answer(*addresses: str) -> None:
        results = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: results)

    settings.WEBHOOK_ALLOWED_NETWORKS = []
    answer("93.184.215.14", "93.184.215.15", "93.184.215.14")
    assert resolve("example.com", 443) == ["93.184.215.14", "93.184.215.15"]
    answer("93.184.215.14", "127.0.0.1")
    with pytest.raises(ForbiddenAddress):
        resolve("example.com", 443)
    answer()
    with pytest.raises(Unresolved):
        resolve("example.com", 443)
