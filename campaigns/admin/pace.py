"""Edit the pace of a campaign: its rate, its spread, and the hours and weekdays in which it may be sent."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.admin.times import zone_of
from campaigns.models import Campaign
from campaigns.pacing import NeverOpen, Window
from foundation.zone_input import TimeZoneInput

WEEKDAYS = [(1, "Mon"), (2, "Tue"), (3, "Wed"), (4, "Thu"), (5, "Fri"), (6, "Sat"), (7, "Sun")]
LARGEST = 2**31 - 1
LONGEST_SPREAD = 30 * 86400


class HourInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """Use the browser's input for a time of day."""

    input_type = "time"


class DaysInput(UnfoldAdminCheckboxSelectMultipleWidget):  # type: ignore[misc]
    """Show the boxes next to each other."""

    def get_context(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context(*args, **kwargs), "radio_style": 1}


class PaceFields(forms.Form):
    """Edit rate, spread and window. `clean` combines the four fields of the window."""

    rate_per_minute = forms.IntegerField(
        label="Rate (messages per minute)",
        required=False,
        min_value=1,
        max_value=LARGEST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: as fast as the workers can send.",
    )
    spread_seconds = forms.IntegerField(
        label="Spread over (seconds)",
        required=False,
        min_value=0,
        max_value=LONGEST_SPREAD,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="It is sent evenly over this time. Empty or 0: at once.",
    )
    window_weekdays = forms.TypedMultipleChoiceField(
        label="Only on",
        required=False,
        coerce=int,
        choices=WEEKDAYS,
        widget=DaysInput,
        help_text="If hours are set and no weekday is selected, every day is allowed.",
    )
    window_from = forms.TimeField(label="Only from", required=False, widget=HourInput)
    window_to = forms.TimeField(
        label="Until",
        required=False,
        widget=HourInput,
        help_text="If it is earlier than the start, the window goes over midnight.",
    )
    window_time_zone = forms.CharField(
        label="Time zone", required=False, widget=TimeZoneInput, help_text="For example Europe/Berlin. Empty: UTC."
    )

    def clean_spread_seconds(self) -> int:
        return self.cleaned_data["spread_seconds"] or 0

    def clean_window_time_zone(self) -> str:
        return clean_time_zone(self.cleaned_data["window_time_zone"])

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            fields["window"] = self._window(fields)
        return fields

    def _window(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        opens, closes, weekdays = fields["window_from"], fields["window_to"], fields["window_weekdays"]
        if opens is None and closes is None:
            if weekdays:
                self.add_error("window_from", "Enter the hours, too.")
            return None
        if opens is None or closes is None:
            self.add_error("window_to" if opens else "window_from", "Enter both the start and the end.")
            return None
        window = {
            "time_zone": fields["window_time_zone"] or "UTC",
            "weekdays": sorted(weekdays or [number for number, _ in WEEKDAYS]),
            "from": f"{opens:%H:%M}",
            "to": f"{closes:%H:%M}",
        }
        try:
            Window.from_json(window)
        except NeverOpen:
            self.add_error("window_to", "The window would never be open.")
        return window


class PaceForm(PaceFields):
    """Change the pace of a campaign that is being sent."""

    def clean(self) -> dict[str, Any]:
        fields = super().clean()
        return {name: fields[name] for name in ("rate_per_minute", "spread_seconds", "window") if name in fields}


def pace_as_written(campaign: Campaign) -> dict[str, Any]:
    """Return the initial values of the form."""
    window = campaign.window or {}
    return {
        "rate_per_minute": campaign.rate_per_minute,
        "spread_seconds": campaign.spread_seconds,
        "window_weekdays": window.get("weekdays", []),
        "window_from": window.get("from"),
        "window_to": window.get("to"),
        "window_time_zone": window.get("time_zone", zone_of(campaign).key),
    }


def describe_window(campaign: Campaign) -> str:
    """Return a campaign's window in words; empty if it may be sent at any time."""
    if not campaign.window:
        return ""
    days = ", ".join(name for number, name in WEEKDAYS if number in campaign.window["weekdays"])
    return "{from} to {to}, {time_zone}, ".format(**campaign.window) + days


def clean_time_zone(name: str) -> str:
    """Return the name of a time zone, or an empty text. Raises ValidationError."""
    if name and name not in available_timezones():
        raise forms.ValidationError("There is no time zone with this name.")
    return name
