"""Describe charts as data. `charts.js` draws them, and each has a table with the same figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Table:
    """The cells of a table as texts. The first cell of each row is its heading."""

    caption: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Line:
    """A series of values of a chart, one for each label.

    `colour` is the number of one of the colours that `charts.js` has. `key` is the key of its figures, to which each
    label adds its time. A hollow series is drawn as an outline. A series with much smaller values than the others can
    have the scale on the right.
    """

    label: str
    values: Sequence[float | None]
    colour: int
    key: str
    is_hollow: bool = False
    is_on_right: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with a title, a sentence that sums it up, and its table.

    `kind` is `bars` (stacked), `lines` or `steps`. With `levels` a value is the index of one of these words. `times`
    are those of the labels.
    """

    name: str
    title: str
    summary: str
    kind: str
    times: Sequence[dt.datetime]
    labels: Sequence[str]
    lines: Sequence[Line]
    table: Table
    levels: Sequence[str] = ()
    notes: Sequence[str] = ()

    @property
    def data(self) -> dict[str, Any]:
        """Return what `charts.js` draws."""
        return {
            "kind": self.kind,
            "labels": list(self.labels),
            "times": [int(at.timestamp()) for at in self.times],
            "levels": list(self.levels),
            "series": [
                {
                    "label": line.label,
                    "key": line.key,
                    "values": list(line.values),
                    "colour": line.colour,
                    "isHollow": line.is_hollow,
                    "isOnRight": line.is_on_right,
                }
                for line in self.lines
            ],
        }

    @property
    def data_id(self) -> str:
        """Return the id of the element that has the data."""
        return f"data-{self.name}"
