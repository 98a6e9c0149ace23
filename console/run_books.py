"""Show the run books of `docs/operations.md`, so that they can be read where the problem is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "operations.md"
FIRST, AFTER = "## Run books", "## "


def show_run_books(request: HttpRequest) -> HttpResponse:
    """Show the page. Each run book has the anchor that `Kind` names."""
    context = {**admin.site.each_context(request), "title": "Run books", "run_books": render_run_books()}
    return TemplateResponse(request, "console/run_books.html", context)


@cache
def render_run_books() -> SafeString:
    """Return the run books as HTML. The document belongs to the product, so its HTML is trusted."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(read_run_books(DOCUMENT.read_text(encoding="utf-8")))
    for position, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor_of(tokens[position + 1].content))
        _unlink_other_pages(token)
    html: str = markdown.renderer.render(tokens, markdown.options, {})
    return mark_safe(html)


def read_run_books(document: str) -> str:
    """Return the section of the run books, without its heading."""
    section = document.split(f"\n{FIRST}\n", 1)[1]
    return section.split(f"\n{AFTER}", 1)[0]


def anchor_of(heading: str) -> str:
    """Return the anchor that documentation sites give a heading."""
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).strip().replace(" ", "-")


def _unlink_other_pages(token: Token) -> None:
    """Keep only links within the run books: the other pages of the documentation are not here."""
    children = token.children or []
    is_kept = True
    tokens = []
    for child in children:
        if child.type == "link_open":
            is_kept = str(child.attrGet("href")).startswith("#")
        if is_kept or child.type not in {"link_open", "link_close"}:
            tokens.append(child)
        if child.type == "link_close":
            is_kept = True
    if token.children is not None:
        token.children = tokens
