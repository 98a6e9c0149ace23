"""Test the run books: each kind of problem has one, and the console shows them."""

from __future__ import annotations

from django.test import Client

from console.run_books import DOCUMENT, FIRST, anchor_of
from monitoring.problems import Kind


def test_each_kind_of_problem_has_a_run_book() -> None:
    document = DOCUMENT.read_text(encoding="utf-8").split(FIRST)[1]
    anchors = [anchor_of(line.removeprefix("### ")) for line in document.splitlines() if line.startswith("### ")]
    assert {kind.value for kind in Kind} <= set(anchors)
    assert len(anchors) == len(set(anchors))


def test_the_page_has_their_anchors_and_no_links_to_pages_that_are_not_here(operator: Client, client: Client) -> None:
    page = operator.get("/admin/run-books/").text.split('class="console-prose', 1)[1]
    for kind in Kind:
        assert f'<h3 id="{kind.value}">' in page, kind
    assert ".md" not in page
    assert client.get("/admin/run-books/").status_code == 302
