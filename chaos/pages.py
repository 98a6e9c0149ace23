"""Read all pages of the console, and compare each figure with the number that is stored.

A number that is neither marked as a figure nor a part of a time or a name is wrong, too: it could not be compared. An
id that two elements have is wrong: a live part keeps the focus and the selection by ids.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from chaos.expected import Expected, Range, is_shown, is_unmarked, numbers_in
from chaos.markup import Figure, Page
from chaos.numbers import Numbers, family_of, name_of
from chaos.stored import DOUBTS_SHOWN, STATES, WAITING
from stack.stored_numbers import CampaignStatus

Read = Callable[[str], str]
"""A function that returns the body of the page at a path, as an operator sees it."""
NOW, OVERVIEW, ACTIVITY, MESSAGES = "/admin/", "/admin/overview/", "/admin/activity/", "/admin/mailer/message/"
LINK = re.compile(r'href="(/admin/[a-z_/-]+/)"')
UNREAD = ("/logout/", "/password_change/", "/add/", "/import/", "/run-books/", "/periodictask/", OVERVIEW)
"""The ends of the links of the start page that are not followed: they show no figures, or are compared already."""
HANDLES = 20
"""The mailings that the page Stop shows at once."""
MOST = 300
"""The most batches and receipts whose pages are read, the newest ones."""
MOST_ROWS = 50
"""The rows of a page of messages or of Activity."""
MOST_PAGES = 100
"""The most pages of a list that are read."""
OLDER = re.compile(r'<a id="older"[^>]* href="([^"]+)"')
DOUBTFUL = re.compile(r'href="/admin/mailer/message/(\d+)/change/"><code>')
QUESTIONS: dict[int, tuple[str, ...]] = {
    CampaignStatus.DRAFT: ("send/",),
    CampaignStatus.SCHEDULED: ("now/", "cancel/"),
    CampaignStatus.SENDING: ("pause/", "cancel/"),
    CampaignStatus.PAUSED: ("resume/", "cancel/"),
}
"""The questions before the moves of a campaign, by its status."""
CHARTS = ("ahead", "outcomes", "lateness")
IN_DOUBT = "in_doubt"


@dataclass
class Compared:
    """The number of figures that were compared, by family of keys, and a sentence for each wrong one."""

    figures: int = 0
    families: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def compare(self, path: str, key: str, text: str, numbers: Numbers) -> None:
        """Compare a figure. An unknown key, and a text that is no number, are wrong."""
        expected = numbers.number_of(key)
        if expected is None or isinstance(expected, tuple):
            self.count(key)
            self.wrong.append(f"{path}: the figure {key} has an unknown key")
        else:
            self.compare_with(path, key, text, expected)

    def compare_with(self, path: str, key: str, text: str, expected: Expected) -> None:
        """Compare a figure with what it has to show."""
        self.count(key)
        if not is_shown(" ".join(text.split()), expected):
            self.wrong.append(f"{path}: {key} is shown as {text.strip()!r}, but {write_expected(expected)} are stored")

    def compare_sentence(self, path: str, figure: Figure, numbers: Numbers) -> None:
        """Compare the numbers of a sentence one by one."""
        pairs: list[tuple[str, Expected | None]] = []
        for key in figure.key.split():
            expected = numbers.number_of(key)
            pairs += [(key, number) for number in (expected if isinstance(expected, tuple) else [expected])]
        texts = list(numbers_in(figure.text, numbers.names))
        if len(texts) != len(pairs):
            self.count(figure.key)
            self.wrong.append(f"{path}: {figure.text.strip()!r} has other numbers than those of {figure.key}")
            return
        for text, (key, number) in zip(texts, pairs, strict=True):
            if number is None:
                self.wrong.append(f"{path}: the figure {key} has an unknown key")
            else:
                self.compare_with(path, key, text, number)

    def count(self, key: str) -> None:
        self.figures += 1
        self.families[f"{family_of(key)}:{name_of(key)}"] += 1


def write_expected(expected: Expected) -> str:
    """Return what a figure has to show, for people."""
    return " or ".join(sorted(expected)) if isinstance(expected, frozenset) else str(expected)


def compare_pages(read: Read, numbers: Numbers) -> Compared:
    """Compare the figures of all pages. No mail may be under way meanwhile."""
    compared = Compared()
    body = read(NOW)
    compare_problems(compare_page(NOW, body, numbers, compared), compared)
    compare_charts(compare_page(OVERVIEW, read(OVERVIEW), numbers, compared), numbers, compared)
    for path in [*links_in(body), *paths_of(numbers)]:
        compare_page(path, read(path), numbers, compared)
    for receipt in receipts_of(numbers):
        compare_receipt(read, receipt, numbers, compared)
    compare_activity(read, numbers, compared)
    for state in STATES:
        if numbers.by_key[f"all:{state}"]:
            compare_list(read, state, numbers, compared)
        compare_export(read, state, numbers, compared)
    return compared


def links_in(body: str) -> list[str]:
    """Return the pages to which the sidebar and the header of a page lead."""
    return [path for path in dict.fromkeys(LINK.findall(body)) if not path.endswith(UNREAD)]


def compare_page(path: str, body: str, numbers: Numbers, compared: Compared) -> Page:
    """Compare the figures of a page, and look for numbers that are no figures."""
    page = Page(body)
    for figure in page.figures:
        if figure.key == "all:problems":
            continue
        if figure.is_sentence:
            compared.compare_sentence(path, figure, numbers)
        else:
            compared.compare(path, figure.key, figure.text, numbers)
    compared.wrong += [
        f"{path}: the number in {text!r} is not marked as a figure"
        for text in page.others
        if is_unmarked(text, numbers.names)
    ]
    compared.wrong += [
        f"{path}: the id {element_id} is used {times} times" for element_id, times in page.ids.items() if times > 1
    ]
    return page


def compare_problems(page: Page, compared: Compared) -> None:
    """Compare the number of problems in the header and in the heading with those that the page Now lists."""
    problems = sum(family_of(figure.key) == "problem" for figure in page.figures)
    for figure in page.figures:
        if figure.key == "all:problems":
            compared.compare_with(NOW, figure.key, figure.text, problems)


def compare_receipt(read: Read, receipt: int, numbers: Numbers, compared: Compared) -> None:
    """Compare the page of a receipt, and the messages that it names as in doubt."""
    path = f"/admin/batches/receipt/{receipt}/change/?live=1"
    body = read(path)
    compare_page(path, body, numbers, compared)
    message_ids, doubts = {int(number) for number in DOUBTFUL.findall(body)}, numbers.doubts[receipt]
    if not message_ids <= doubts or len(message_ids) != min(len(doubts), DOUBTS_SHOWN):
        compared.wrong.append(
            f"{path}: {sorted(message_ids)[:5]} … are named as in doubt, but {sorted(doubts)[:5]} … were"
        )


def receipts_of(numbers: Numbers) -> list[int]:
    """Return the newest receipts."""
    return sorted(numbers.doubts, reverse=True)[:MOST]


def compare_charts(page: Page, numbers: Numbers, compared: Compared) -> None:
    """Compare the data of the charts: each value with the figure of its time."""
    for name in CHARTS:
        chart = json.loads(page.scripts[f"data-{name}"])
        for series in chart["series"]:
            for at, value in zip(chart["times"], series["values"], strict=True):
                compare_value(f"{series['key']}:{at}", value, chart["levels"], numbers, compared)


def compare_value(key: str, value: Any, levels: list[str], numbers: Numbers, compared: Compared) -> None:
    """Compare a value of a chart, which may be the number of a level. A missing level says that there was no mail."""
    text = str(value)
    if levels:
        text = "no mail" if value is None else levels[value]
    compared.compare(f"{OVERVIEW} (chart)", key, text, numbers)


def compare_activity(read: Read, numbers: Numbers, compared: Compared) -> None:
    """Compare the number of rows of Activity, on all of its pages, with the receipts, changes and sign-ins."""
    path, rows = ACTIVITY, 0
    for _ in range(MOST_PAGES):
        body = read(path)
        rows += compare_page(path, body, numbers, compared).rows
        older = OLDER.search(body)
        if older is None:
            break
        path = older[1].replace("&amp;", "&")
    compared.compare(ACTIVITY, "activity:rows", str(rows), numbers)


def compare_list(read: Read, state: str, numbers: Numbers, compared: Compared) -> None:
    """Compare the first page of the messages in a state, and the count before an action on all of them."""
    path = f"{MESSAGES}?state={state}"
    page = compare_page(path, read(path), numbers, compared)
    number = numbers.by_key[f"all:{state}"]
    is_cut = any(family_of(figure.key) == "search" for figure in page.figures)
    shown_rows = min(number, MOST_ROWS)
    compared.compare_with(path, f"list:{state}", str(page.rows), Range(0, shown_rows) if is_cut else shown_rows)
    if state in {*WAITING, IN_DOUBT}:
        path = f"{MESSAGES}all/{'stop' if state in WAITING else 'drop'}/?state={state}"
        compare_page(path, read(path), numbers, compared)


def compare_export(read: Read, state: str, numbers: Numbers, compared: Compared) -> None:
    """Compare the messages that are exported by their state, in all and in each batch."""
    path = f"{MESSAGES}export/?state={state}"
    rows = list(csv.DictReader(io.StringIO(read(path))))
    compared.compare(path, f"all:{state}", str(len(rows)), numbers)
    rows_of_batch = Counter(row["batch_id"] for row in rows)
    for public_id, batch_id in numbers.batches.items():
        compared.compare(path, f"batch:{batch_id}:{state}", str(rows_of_batch[public_id]), numbers)


def paths_of(numbers: Numbers) -> Iterator[str]:
    """Yield the paths of the pages of objects, without those that are compared in another way."""
    batches = sorted(numbers.batch_ids, reverse=True)[:MOST]
    receipts = receipts_of(numbers)
    for account in sorted(numbers.accounts):
        yield f"/admin/accounts/account/{account}/change/"
        yield f"/admin/accounts/account/{account}/freeze/"
        for why in ("held", IN_DOUBT):
            yield f"/admin/in-hand/?account={account}&why={why}"
            yield f"/admin/in-hand/drop/?account={account}&why={why}&of=all"
    for username in sorted({message.username for message in numbers.messages}):
        yield f"/admin/mailer/failures/?{urlencode({'account': username})}"
    for handles in chunks([f"b{batch}" for batch in batches]):
        yield f"/admin/stop/?live=1&rows={'.'.join(handles)}"
    for batch in batches:
        yield f"/admin/batches/batch/{batch}/change/?live=1"
        yield f"/admin/batches/batch/{batch}/cancel/"
    yield from paths_of_batches(batches[:HANDLES], numbers)
    for group in chunks([str(receipt) for receipt in receipts]):
        yield f"/admin/stop/receipts/?receipts={'.'.join(group)}"
    for bulk in numbers.bulks:
        yield f"{MESSAGES}actions/{bulk}/?live=1"
    yield from paths_of_webhooks(numbers)
    for campaign, status in numbers.campaigns.items():
        for page in ("change/?live=1", "reach/", *QUESTIONS.get(status, ())):
            yield f"/admin/campaigns/campaign/{campaign}/{page}"


def paths_of_webhooks(numbers: Numbers) -> Iterator[str]:
    """Yield the pages of endpoints and of the newest deliveries."""
    for endpoint in numbers.endpoints[:MOST]:
        yield f"/admin/events/endpoint/{endpoint}/change/"
    if numbers.deliveries:
        yield "/admin/events/delivery/"
    for delivery in numbers.deliveries[:HANDLES]:
        yield f"/admin/events/delivery/{delivery}/change/"


def paths_of_batches(batches: list[int], numbers: Numbers) -> Iterator[str]:
    """Yield further pages of some batches: with the reasons of refusals, with messages, and before several stops."""
    for batch in batches:
        yield f"/admin/batches/batch/{batch}/change/"
        yield f"/admin/batches/batch/{batch}/resume/"
        yield f"/admin/stop/question/?action=cancel&mailing=b{batch}"
    for public_id, batch in numbers.batches.items():
        if batch in batches:
            yield f"/admin/mailer/failures/?batch={public_id}"
            yield f"{MESSAGES}all/stop/?batch={public_id}"
    for state in ("sent", IN_DOUBT):
        message = next((stored for stored in numbers.messages if stored.state == state), None)
        if message is not None:
            yield f"{MESSAGES}{message.id}/change/"
    yield f"/admin/stop/question/?action=cancel&{urlencode([('mailing', f'b{batch}') for batch in batches[:2]])}"


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
                compared.compare(path, f"batch:{batch_id}:{name}", str(number), numbers)
    for line in lists["next"]:
        if line["batch_id"] in numbers.batches:
            minute = int(dt.datetime.fromisoformat(line["at"]).timestamp()) // 60
            key = f"coming:{numbers.batches[line['batch_id']]}:{minute}"
            compared.compare(path, key, str(line["messages"]), numbers)
    for line in lists["stopped"]:
        for name in ("sent", "in_doubt", "in_flight"):
            compared.compare(path, f"receipt:{numbers.receipts[line['id']]}:{name}", str(line[name]), numbers)
