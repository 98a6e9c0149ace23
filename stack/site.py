"""Make the pages at the root of the repository pages of the site, as a hook of mkdocs.

README.md and its neighbours belong where a reader of the repository looks for them, and mkdocs only sees `docs/`. Their
links into `docs/`, and the links of the pages in `docs/` to them, are rewritten to the places that the pages have in
the site.
"""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parent.parent
ROOT_PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE")
TO_DOCS = re.compile(r"\]\(docs/")
TO_ROOT = re.compile(rf"\]\((?:\.\./)+({'|'.join(map(re.escape, ROOT_PAGES))})")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages at the root to those in `docs/`."""
    for name in ROOT_PAGES:
        files.append(File.generated(config, name, content=(ROOT / name).read_text()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links between a page at the root and the pages in `docs/`."""
    if page.file.src_uri in ROOT_PAGES:
        return TO_DOCS.sub("](", markdown)
    up = "../" * page.file.src_uri.count("/")
    return TO_ROOT.sub(lambda link: f"]({up}{link[1]}", markdown)
