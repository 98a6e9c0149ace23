"""Chaos detects a wrong figure on a page, a figure that nobody can compare, and a number that is not marked."""

from __future__ import annotations

from collections import Counter

from chaos.numbers import Numbers
from chaos.pages import Compared, compare_page

PAGE = """
<p>Sent <span data-figure="batch:7:sent">{sent}</span>, <b data-figure="{key}">1,200</b> in all</p>
<p>Since 2026-11-30 08:15:00 (2 h ago), <code>7</code>, <a>Mailing 12</a> to ada5@example.com, in the last 24 hours</p>
<p data-figures="batch:7:sent batch:7:accepted">The campaign “News 5” sent {sent} of 1,200 at 08:15.</p>
{more}
"""


def compare(*, sent: str = "3", key: str = "batch:7:accepted", more: str = "") -> Compared:
    """Compare a page on which 3 of 1,200 messages were sent."""
    compared = Compared()
    numbers = Numbers(Counter({"batch:7:sent": 3, "batch:7:accepted": 1200}), names=frozenset({"Mailing 12"}))
    compare_page("/admin/", PAGE.format(sent=sent, key=key, more=more), numbers, compared)
    return compared


def test_right_figures_are_counted() -> None:
    compared = compare()
    assert compared.wrong == []
    assert compared.families == {"batch:sent": 2, "batch:accepted": 2}


def test_a_wrong_figure_is_detected() -> None:
    assert compare(sent="4").wrong == ["/admin/: batch:7:sent is shown as '4', but 3 are stored"] * 2
    assert compare(sent="3 or more").wrong == ["/admin/: batch:7:sent is shown as '3 or more', but 3 are stored"]


def test_a_figure_with_an_unknown_key_is_wrong() -> None:
    assert compare(key="batch:7:size").wrong == ["/admin/: the figure batch:7:size has an unknown key"]


def test_a_number_that_is_not_marked_is_wrong() -> None:
    assert compare(more="<p>5 messages wait</p>").wrong == [
        "/admin/: the number in '5 messages wait' is not marked as a figure"
    ]


def test_a_sentence_with_other_numbers_than_its_keys_is_wrong() -> None:
    (wrong,) = compare(more='<p data-figures="batch:7:sent">3 were sent, 9 wait</p>').wrong
    assert wrong == "/admin/: '3 were sent, 9 wait' has other numbers than those of batch:7:sent"
