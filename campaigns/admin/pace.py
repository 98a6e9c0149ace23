"""The pace of a campaign as a person writes it down: rate, spread, and the hours and weekdays in which it may leave."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns.models import Campaign
from campaigns.pacing import NeverOpen, Window

WEEKDAYS = [(1, "Mon"), (2, "Tue"), (3, "Wed"), (4, "Thu"), (5, "Fri"), (6, "Sat"), (7, "Sun")]
LARGEST = 2**31 - 1
LONGEST_SPREAD = 30 * 86400


class HourInput(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """The browser's own choice of a time of day."""

    input_type = "time"


class PaceFields(forms.Form):
    """Rate, spread and window; `clean` makes `window` of its four fields."""

    rate_per_minute = forms.IntegerField(
        label="Rate (messages per minute)",
        required=False,
        min_value=1,
        max_value=LARGEST,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: as fast as the fleet can.",
    )
    spread_seconds = forms.IntegerField(
        label="Spread over (seconds)",
        required=False,
        min_value=0,
        max_value=LONGEST_SPREAD,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="It leaves evenly over this time. Empty or 0: at once.",
    )
    window_weekdays = forms.TypedMultipleChoiceField(
        label="Only on",
        required=False,
        coerce=int,
        choices=WEEKDAYS,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="With hours and without weekdays: on every day.",
    )
    window_from = forms.TimeField(label="Only from", required=False, widget=HourInput)
    window_to = forms.TimeField(
        label="Until", required=False, widget=HourInput, help_text="Earlier than the beginning: over midnight."
    )
    window_time_zone = forms.CharField(
        label="By the clock of", required=False, widget=UnfoldAdminTextInputWidget, help_text="As Europe/Berlin."
    )

    def clean_spread_seconds(self) -> int:
        return self.cleaned_data["spread_seconds"] or 0

    def clean_window_time_zone(self) -> str:
        return clean_time_zone(self.cleaned_data["window_time_zone"])

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            said["window"] = self._window(said)
        return said

    def _window(self, said: dict[str, Any]) -> dict[str, Any] | None:
        opens, closes, weekdays = said["window_from"], said["window_to"], said["window_weekdays"]
        if opens is None and closes is None:
            if weekdays:
                self.add_error("window_from", "Weekdays need hours.")
            return None
        if opens is None or closes is None:
            self.add_error("window_to" if opens else "window_from", "A window has two ends.")
            return None
        window = {
            "time_zone": said["window_time_zone"] or "UTC",
            "weekdays": sorted(weekdays or [number for number, _ in WEEKDAYS]),
            "from": f"{opens:%H:%M}",
            "to": f"{closes:%H:%M}",
        }
        try:
            Window.from_json(window)
        except NeverOpen:
            self.add_error("window_to", "It would never be open.")
        return window


class PaceForm(PaceFields):
    """Another pace for a campaign that is on its way."""

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        return {name: said[name] for name in ("rate_per_minute", "spread_seconds", "window") if name in said}


def pace_as_written(campaign: Campaign) -> dict[str, Any]:
    """The form's initial values."""
    window = campaign.window or {}
    return {
        "rate_per_minute": campaign.rate_per_minute,
        "spread_seconds": campaign.spread_seconds,
        "window_weekdays": window.get("weekdays", []),
        "window_from": window.get("from"),
        "window_to": window.get("to"),
        "window_time_zone": window.get("time_zone", ""),
    }


def clean_time_zone(name: str) -> str:
    """A time zone's name, or nothing."""
    if name and name not in available_timezones():
        raise forms.ValidationError("There is no time zone of this name.")
    return name
