"""Enter and show the times of campaigns in a time zone: the account's, or that of a campaign with local time."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils import timezone

from batches.admin.asking import TimeField
from campaigns.models import Campaign
from foundation.zones import UnclearTime, read_wall_clock, write_zoned

AS_TYPED = "%Y-%m-%dT%H:%M"
"""The form in which a browser submits a date and a time."""


def zone_of(campaign: Campaign) -> ZoneInfo:
    """Return the time zone in which operators enter and read the times of a campaign."""
    return campaign.zone if campaign.is_local_time else campaign.account.zone


def write_time_of(campaign: Campaign, moment: dt.datetime | None) -> str:
    """Return a time of a campaign with its time zone, or an empty text for None."""
    return write_zoned(moment, zone_of(campaign))


def describe_plan(campaign: Campaign) -> str:
    """Return the time for which a campaign is planned in words, or an empty text if it has no time."""
    if campaign.send_at is None or not campaign.is_local_time:
        return write_time_of(campaign, campaign.send_at)
    return f"{campaign.send_at.astimezone(campaign.zone):%Y-%m-%d %H:%M:%S} in the time zone of each contact"


class ZonedTimeField(TimeField):
    """Read a time in a time zone. A time that the clocks skip or repeat is refused with an explanation.

    `show_in` sets the zone, and the moment that the field shows. If the moment is submitted unchanged, it stays exactly
    the same, with its seconds, and even within a repeated hour.
    """

    zone = ZoneInfo("UTC")
    shown: dt.datetime | None = None

    def show_in(self, zone: ZoneInfo, shown: dt.datetime | None = None) -> None:
        self.zone, self.shown = zone, shown
        self.label = f"Time ({zone.key})"

    @property
    def shown_as_typed(self) -> str:
        """Return the moment that the field shows in the form in which the browser submits it; empty without one."""
        return f"{self.shown.astimezone(self.zone):{AS_TYPED}}" if self.shown else ""

    def to_python(self, value: Any) -> dt.datetime | None:
        if self.shown is not None and value == self.shown_as_typed:
            return self.shown
        moment: dt.datetime | None = super().to_python(value)
        if moment is None or moment.tzinfo is not timezone.get_current_timezone():
            return moment
        try:
            return read_wall_clock(moment.replace(tzinfo=None), self.zone)
        except UnclearTime as error:
            raise forms.ValidationError(str(error)) from None

    def has_changed(self, initial: Any, data: Any) -> bool:
        return (initial or "") != (data or "")
