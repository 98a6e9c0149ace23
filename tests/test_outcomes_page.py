"""The tables of `docs/outcomes.md` have what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings

from api.sendgrid.stats.outputs import FIGURES, NOT_RECORDED
from batches.models import PARCEL_SPAN
from mailer.models import Classification, EventKind, Measure, ReplyClass, Series, SuppressionKind
from mailer.outcomes.classes import GIVEN_UP, judge_reply
from mailer.outcomes.counters import DAY, FIVE_MINUTES, HOUR, KEPT, MINUTE, QUARTER
from mailer.outcomes.writing import PACKED_FROM
from mailer.suppressions.check import REASONS

PAGE = (Path(__file__).parent.parent / "docs" / "outcomes.md").read_text()

SPANS = {
    MINUTE: "minutes",
    FIVE_MINUTES: "five minutes",
    QUARTER: "quarters of an hour",
    HOUR: "hours",
    DAY: "days",
}
TIMES = {3: "3 days", 90: "90 days", 3 * 365: "3 years"}


def table(first_heading: str, second_heading: str) -> list[list[str]]:
    """Return the cells of the rows of the table that begins with these headings."""
    rows = PAGE.split(f"\n| {first_heading} | {second_heading} ")[1].split("\n\n")[0].split("\n")[2:]
    return [[cell.strip() for cell in re.split(r" ?\| ?", row)[1:-1]] for row in rows]


def test_the_table_of_events_has_every_kind() -> None:
    assert [row[0] for row in table("event", "what happened")] == EventKind.labels


def test_the_tables_of_reasons_have_every_classification_and_every_class() -> None:
    assert [row[:3] for row in table("classification", "in logs and webhooks")] == [
        [each.label, each.event_name, each.reply_class.label] for each in Classification
    ]
    assert [row[0] for row in table("class", "what it is about")] == ReplyClass.labels


def test_the_replies_of_the_page_are_judged_as_it_says() -> None:
    for name, _, _, replies, lists in table("classification", "in logs and webhooks"):
        examples = re.findall("`(.+?)`", replies)
        assert bool(examples) == (name != "Unclassified"), name
        for reply in examples:
            judgement = judge_reply(reply, is_of_recipient=True)
            assert judgement.classification.label == name, reply
            assert (
                reply.startswith("4") or (judgement.suppression.label if judgement.suppression else "none") in lists
            ), reply


def test_the_table_of_lists_says_which_suppress() -> None:
    rows = {row[0]: row[2] for row in table("list", "who is on it")}
    assert rows.keys() == set(SuppressionKind.labels)
    assert {name for name, effect in rows.items() if effect.startswith("dropped")} == {kind.label for kind in REASONS}


def test_the_tables_of_counters_have_every_series_and_every_measure() -> None:
    lifetimes = {
        each.label: ", ".join(f"{SPANS[span]} {TIMES[days]}" for span, days in KEPT[each].items()) for each in Series
    }
    assert {label: times for label, _, times in table("series", "counted for each")} == lifetimes
    assert [row[0] for row in table("measure", "what it counts")] == Measure.labels[len(EventKind) :]


def test_the_page_has_the_values_of_the_code() -> None:
    assert f"`HISTORY_DAYS` ({settings.HISTORY_DAYS})" in PAGE
    assert (PACKED_FROM, PARCEL_SPAN) == (8, 512)
    assert "fewer than eight messages" in PAGE
    assert f"`{GIVEN_UP.strip()}`" in PAGE


def test_the_table_of_metrics_is_what_the_api_answers() -> None:
    labels = {measure.label: measure for measure in Measure}
    shown = {}
    for metric, formula in table("metric", "counters"):
        parts = re.findall(r"(?:^|([+-]) )([^+-]+?)(?= [+-]|$)", formula)
        added = tuple(labels[label] for sign, label in parts if sign != "-")
        shown[metric] = (added, tuple(labels[label] for sign, label in parts if sign == "-"))
    assert shown == {name: tuple(figure) for name, figure in FIGURES.items()} | dict.fromkeys(NOT_RECORDED, ((), ()))
