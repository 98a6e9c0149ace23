"""Read the figures of all pages of the console, and compare each with the number that is stored.

A figure is an element with the attribute `data-figure`, whose value is the key of what it counts (`stored.py`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from chaos.stored import STATES, Numbers

Read = Callable[[str], str]
"""A function that returns the body of the page at a path, as an operator sees it."""
PAGES = (
    "/admin/",
    "/admin/overview/",
    "/admin/waves/",
    "/admin/fleet/",
    "/admin/batches/batch/",
    "/admin/batches/receipt/",
    "/admin/freeze-everything/",
)
HANDLES = 20
"""The mailings that the page Stop shows at once."""
MOST = 300
"""The most batches and receipts whose pages are read, the newest ones."""


@dataclass
class Compared:
    """The number of figures that were compared, by family of keys, and a sentence for each wrong one."""

    figures: int = 0
    families: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def compare(self, path: str, key: str, text: str, expected: int | None) -> None:
        """Compare a figure. An unknown key, and a text that is no number, are wrong."""
        self.figures += 1
        self.families.add(f"{key.partition(':')[0]}:{key.rpartition(':')[2]}")
        if expected is None:
            self.wrong.append(f"{path}: the figure {key} has an unknown key")
        elif text.strip().replace(",", "") != str(expected):
            self.wrong.append(f"{path}: {key} is shown as {text.strip()!r}, but {expected} are stored")


class Figures(HTMLParser):
    """Collect the elements of a page that are figures, each as its key and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._is_in_figure = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        key = dict(attrs).get("data-figure")
        if key is not None:
            self.found.append((key, ""))
        self._is_in_figure = key is not None

    def handle_data(self, data: str) -> None:
        if self._is_in_figure:
            key, text = self.found[-1]
            self.found[-1] = key, text + data

    def handle_endtag(self, tag: str) -> None:
        self._is_in_figure = False


def compare_pages(read: Read, numbers: Numbers) -> Compared:
    """Compare the figures of all pages. No mail may be under way meanwhile."""
    compared = Compared()
    for path in paths_of(numbers):
        figures = Figures()
        figures.feed(read(path))
        for key, text in figures.found:
            compared.compare(path, key, text, numbers.number_of(key))
    for state in STATES:
        compare_list(read, state, numbers, compared)
    return compared


def compare_list(read: Read, state: str, numbers: Numbers, compared: Compared) -> None:
    """Compare the messages that the list of messages selects by their state, in all and in each batch."""
    path = f"/admin/mailer/message/export/?state={state}"
    rows = list(csv.DictReader(io.StringIO(read(path))))
    compared.compare(path, f"all:{state}", str(len(rows)), numbers.number_of(f"all:{state}"))
    listed = Counter(row["batch_id"] for row in rows)
    for public_id, batch_id in numbers.batches.items():
        key = f"batch:{batch_id}:{state}"
        compared.compare(path, key, str(listed[public_id]), numbers.number_of(key))


def paths_of(numbers: Numbers) -> Iterator[str]:
    """Yield the paths of all pages with figures."""
    yield from PAGES
    batches = sorted(numbers.batch_ids, reverse=True)[:MOST]
    receipts = sorted(numbers.receipts.values(), reverse=True)[:MOST]
    for account in sorted(numbers.accounts):
        yield f"/admin/accounts/account/{account}/change/"
        yield f"/admin/accounts/account/{account}/freeze/"
    for handles in chunks([f"b{batch}" for batch in batches]):
        yield f"/admin/stop/?live=1&rows={'.'.join(handles)}"
    for batch in batches:
        yield f"/admin/batches/batch/{batch}/change/?live=1"
        yield f"/admin/batches/batch/{batch}/cancel/"
    for receipt in receipts:
        yield f"/admin/batches/receipt/{receipt}/change/?live=1"
    for group in chunks([str(receipt) for receipt in receipts]):
        yield f"/admin/stop/receipts/?receipts={'.'.join(group)}"


def chunks(names: list[str]) -> Iterable[list[str]]:
    """Return the names in groups that one page can show."""
    return (names[start : start + HANDLES] for start in range(0, len(names), HANDLES))


def compare_now(body: str, numbers: Numbers, compared: Compared) -> None:
    """Compare the figures of `GET /sluice/v1/now`."""
    path, lists = "/sluice/v1/now", json.loads(body)["data"]
    for line in lists["running"]:
        batch_id = numbers.batches.get(line["batch_id"] or "")
        if batch_id is not None:
            figures = {"accepted": line["messages"], **line["counts"]}
            for name, number in figures.items():
                key = f"batch:{batch_id}:{name}"
                compared.compare(path, key, str(number), numbers.number_of(key))
    for line in lists["next"]:
        if line["batch_id"] in numbers.batches:
            minute = int(dt.datetime.fromisoformat(line["at"]).timestamp()) // 60
            key = f"coming:{numbers.batches[line['batch_id']]}:{minute}"
            compared.compare(path, key, str(line["messages"]), numbers.number_of(key))
    for line in lists["stopped"]:
        for name in ("sent", "in_doubt", "in_flight"):
            key = f"receipt:{numbers.receipts[line['id']]}:{name}"
            compared.compare(path, key, str(line[name]), numbers.number_of(key))
