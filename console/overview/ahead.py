"""Draw the next 72 hours: the messages that come, by hour and account."""

from __future__ import annotations

import datetime as dt

from django.utils.html import format_html
from django.utils.safestring import SafeString

from console.overview.charts import Chart, Line, Table
from foundation.admin import draw_figure, mark_numbers
from monitoring.forecast import HOURS_AHEAD, Forecast, Planned

REST = "other accounts"
REST_COLOUR = 6
PLANNED = "campaigns without messages yet (about)"
PLANNED_COLOUR = 7
NOTHING = Planned()


def chart_ahead(forecast: Forecast) -> Chart:
    """Return the chart of a forecast. Mail that a closed gate keeps back is drawn hollow."""
    hours = [hour for hour in forecast.hours if forecast.complete_until is None or hour < forecast.complete_until]
    lines = [*_lines_of_accounts(forecast), *_lines_of_campaigns(forecast)]
    return Chart(
        name="ahead",
        title=f"Next {HOURS_AHEAD} hours",
        summary=_sum_up(forecast),
        kind="bars",
        times=forecast.hours,
        labels=[f"{hour:%a %H:%M}" for hour in forecast.hours],
        lines=lines,
        table=Table(
            f"Messages of the next {HOURS_AHEAD} hours by hour (UTC)",
            ["Hour", *(line.label for line in lines)],
            [
                [f"{hour:%a %Y-%m-%d %H:%M}", *(_draw(line, place, hour) for line in lines)]
                for place, hour in enumerate(forecast.hours)
                if any(line.values[place] for line in lines)
            ],
        ),
        notes=[*_notes(forecast, len(hours))],
    )


def _lines_of_accounts(forecast: Forecast) -> list[Line]:
    lines = []
    for place, name in enumerate(forecast.names):
        for is_open in (True, False):
            counts = forecast.messages.get((name, is_open))
            if counts:
                label = (name or REST) + ("" if is_open else ": will not be sent")
                values = [counts.get(hour, 0) for hour in forecast.hours]
                colour = REST_COLOUR if name is None else place
                key = f"ahead:{name or ''}:{'sent' if is_open else 'kept_back'}"
                lines.append(Line(label, values, colour, key, is_hollow=not is_open))
    return lines


def _lines_of_campaigns(forecast: Forecast) -> list[Line]:
    counts = [forecast.planned.get(hour, NOTHING).recipients for hour in forecast.hours]
    return [Line(PLANNED, counts, PLANNED_COLOUR, "planned:recipients", is_hollow=True)] if any(counts) else []


def _sum_up(forecast: Forecast) -> SafeString:
    sent, kept_back = forecast.total(is_open=True), forecast.total(is_open=False)
    text = format_html("{} messages will be sent.", draw_figure("ahead:sent", sent))
    if not kept_back:
        return text
    reasons = "their batch is paused or cancelled, or something is frozen"
    return format_html("{} {} more will not: {}.", text, draw_figure("ahead:kept_back", kept_back), reasons)


def _notes(forecast: Forecast, hours_known: int) -> list[str]:
    """Return sentences about the limits of the figures."""
    notes = []
    if hours_known < len(forecast.hours):
        last: dt.datetime = forecast.hours[hours_known]
        notes.append(f"There are more waves than this page reads: the hours from {last:%a %H:%M} UTC on are missing.")
    planned = forecast.planned.values()
    if campaigns := sum(each.campaigns for each in planned):
        recipients = sum(each.recipients for each in planned)
        notes.append(
            mark_numbers(
                f"Scheduled campaigns without messages: {campaigns:,}, with about {recipients:,} recipients by the "
                "last counts of their lists and segments, shown in the hour in which they begin.",
                "planned:campaigns",
                "planned:recipients",
            )
        )
    if unknown := sum(each.unknown for each in planned):
        text = f"Of these, {unknown:,} have a segment that was never counted, and add nothing to the chart."
        notes.append(mark_numbers(text, "planned:unknown"))
    notes.append("Mail that is already due, and mail that is tried again, is not included.")
    return notes


def _draw(line: Line, place: int, hour: dt.datetime) -> SafeString:
    return draw_figure(f"{line.key}:{hour.timestamp():.0f}", int(line.values[place] or 0))
