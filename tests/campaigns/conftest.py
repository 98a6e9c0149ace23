"""Provide campaigns of Alice, named by their state."""

from __future__ import annotations

import pytest

from accounts.models import Account
from campaigns.lifecycle import send_now
from campaigns.models import Campaign
from mailer.pipeline.deliver import Deliverer
from tests.campaigns.building import again, expand_all, ready_campaign


@pytest.fixture
def draft(alice: Account) -> Campaign:
    """Create a complete draft of Alice to 3 contacts."""
    return ready_campaign(alice)


@pytest.fixture
def sending(alice: Account, deliverer: Deliverer) -> Campaign:
    """Create a campaign of Alice to 3 contacts, with messages that exist and are not sent."""
    campaign = ready_campaign(alice)
    send_now(alice, campaign.pk)
    expand_all()
    return again(campaign)
