"""Chaos detects a wrong figure on a page, a figure that nobody can compare, and one without a number."""

from __future__ import annotations

from collections import Counter

from chaos.pages import Compared, compare_pages
from chaos.stored import Numbers

PAGE = '<p>Sent <span data-figure="batch:7:sent">{sent}</span>, <b data-figure="{key}">1,200</b> in all</p> 99'
EXPORT = "message_id,batch_id,state\r\n"


def compare(*, sent: str = "3", key: str = "batch:7:accepted") -> Compared:
    """Compare pages on which 3 of 1,200 messages were sent."""
    numbers = Numbers(Counter({"batch:7:sent": 3, "batch:7:accepted": 1200}))
    page = PAGE.format(sent=sent, key=key)
    return compare_pages(lambda path: page if path == "/admin/" else EXPORT if "export" in path else "", numbers)


def test_right_figures_are_counted() -> None:
    compared = compare()
    assert compared.wrong == []
    assert {"batch:sent", "batch:accepted"} <= compared.families


def test_a_wrong_figure_is_detected() -> None:
    assert compare(sent="4").wrong == ["/admin/: batch:7:sent is shown as '4', but 3 are stored"]
    assert compare(sent="3 or more").wrong == ["/admin/: batch:7:sent is shown as '3 or more', but 3 are stored"]


def test_a_figure_with_an_unknown_key_is_wrong() -> None:
    assert compare(key="batch:7:size").wrong == ["/admin/: the figure batch:7:size has an unknown key"]
