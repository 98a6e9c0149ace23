"""Provide callers of the SOAP API."""

from __future__ import annotations

import pytest

from accounts.models import Account
from tests.api.soap.envelopes import SoapCaller


@pytest.fixture
def soap_of_alice(alice: Account) -> SoapCaller:
    return SoapCaller(alice)


@pytest.fixture
def soap_of_charlie(charlie: Account) -> SoapCaller:
    return SoapCaller(charlie)
