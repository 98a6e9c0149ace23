"""Test the frame of every page: landmarks, a link that skips the menu, titles, and the window with a question."""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import Any

import pytest
from django.contrib.admin import AdminSite
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch

UNFOLD = "0.91.0"
"""The version whose templates config/templates/ replaces in part. Compare them with those of another version."""


def test_the_templates_replace_those_of_this_version_of_unfold() -> None:
    assert version("django-unfold") == UNFOLD


def test_pages_do_not_list_all_models(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def list_models(*arguments: Any) -> dict[str, Any]:
        raise AssertionError("the list of all models was made")

    monkeypatch.setattr(AdminSite, "_build_app_dict", list_models)
    for page in ("/admin/", "/admin/batches/batch/", "/admin/fleet/"):
        assert operator.get(page).status_code == 200


def test_every_page_has_landmarks_and_a_way_past_the_menu(operator: Client, client: Client) -> None:
    page = operator.get("/admin/batches/batch/").text
    assert '<a id="skip" href="#start"' in page
    assert [len(re.findall(rf"<{name}\b", page)) for name in ("main", "header")] == [1, 1]
    assert page.index('id="skip"') < page.index("<nav") < page.index('<main id="start"')
    assert '<dialog id="modal"' in page
    # What opens something is a button, which the keyboard reaches.
    for attribute in ("sidebarDesktopOpen = !", "sidebarMobileOpen = !", "openUserLinks = !", "switchTheme('dark')"):
        assert re.search(rf"<button[^>]*{re.escape(attribute)}", page), attribute
    assert "<main" in client.get("/admin/login/").text


def test_the_title_shows_a_name_as_it_is_written(operator: Client, alice: Account) -> None:
    page = operator.get(f"/admin/accounts/account/{alice.pk}/change/").text
    heading = re.search(r"<h1.*?</h1>", page, re.DOTALL)
    assert heading is not None
    assert re.findall(r">\s*([^<>]*\w)\s*</a>", heading[0]) == ["Tenants", "Accounts", "alice"]


def test_texts_that_are_no_ids_find_nothing(operator: Client, alice: Account) -> None:
    path_of_batch = f"/admin/batches/batch/{create_batch(alice).pk}/change/"
    pages = ("accounts/account", "batches/batch", "batches/receipt", "campaigns/campaign")
    for text in ("9" * 5000, "9" * 18, str(2**31), "x", "\u0661"):
        for page in pages:
            assert operator.get(f"/admin/{page}/{text}/change/").status_code == 302, (page, text[:20])
            if page != "accounts/account":
                assert operator.get(f"/admin/{page}/{text}/change/?live=1").status_code == 404, (page, text[:20])
        batches = operator.get("/admin/batches/batch/", {"account": text})
        assert (batches.status_code, path_of_batch in batches.text) == (200, False), text[:20]
    assert path_of_batch in operator.get("/admin/batches/batch/", {"account": str(alice.pk)}).text
