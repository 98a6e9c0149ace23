"""Programs that read the database without the product know the numbers of the product."""

from __future__ import annotations

import pytest

from audience.models import EngagementKind
from batches import models as batches
from batches.states import BatchStatus, Lane, ParcelState
from campaigns.states import CampaignStatus
from events.models import DeliveryState
from mailer.models import EventKind, Measure, Series, SuppressionKind
from stack import stored_numbers

KINDS = (
    *(BatchStatus, CampaignStatus, DeliveryState, EngagementKind, EventKind),
    *(Lane, ParcelState, Series, SuppressionKind),
)


def test_every_number_is_that_of_the_product(subtests: pytest.Subtests) -> None:
    for kind in KINDS:
        with subtests.test(kind=kind.__name__):
            known = getattr(stored_numbers, kind.__name__)
            assert {each.name: each.value for each in known} == {each.name: each.value for each in kind}
    assert (stored_numbers.PARCEL_SPAN, stored_numbers.PARCEL_SIZE) == (batches.PARCEL_SPAN, batches.PARCEL_SIZE)
    assert stored_numbers.ACCEPTED == Measure.ACCEPTED
