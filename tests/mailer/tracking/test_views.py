"""Test tracked URLs: redirects and pixels, without the database."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from mailer.tracking import hits
from mailer.tracking.tokens import TrackedLink, sealer
from mailer.tracking.writing import Hit


class Noted:
    """A stand-in that takes hits without a database."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []

    def note(self, hit: Hit) -> None:
        self.hits.append(hit)

    def finish(self) -> None:
        return


@pytest.fixture(autouse=True)
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Hit]:
    """Take the hits of a test; a view that reads the database fails."""
    recorder = Noted()
    monkeypatch.setattr(hits, "_recorder", recorder)
    return recorder.hits


MESSAGE = sealer().seal_message(3, 77, 512, 0)


def link_to(url: str, mail_id: int = 77) -> str:
    return f"/c/{sealer().seal_link(mail_id, *TrackedLink(url, 0, is_html=True))}.{MESSAGE}"


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://a.example/x?b=1&c=%20#d", "https://a.example/x?b=1&c=%20#d"),
        ("HTTP://b.example", "HTTP://b.example"),
        ("https://a.example/ä b", "https://a.example/%C3%A4%20b"),
        ("https://[", "https://["),
        ("https://a.example/" + "x" * 3_900, "https://a.example/" + "x" * 3_900),
    ],
)
def test_a_tracked_link_redirects_to_its_address(client: Client, url: str, location: str) -> None:
    answer = client.get(link_to(url))
    assert (answer.status_code, answer["Location"]) == (302, location)
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    assert not answer.cookies
    assert client.head(link_to(url))["Location"] == location


def test_a_pixel_is_an_image_that_is_not_stored(client: Client) -> None:
    answer = client.get(f"/o/{MESSAGE}.gif")
    assert (answer.status_code, answer["Content-Type"], answer["Cache-Control"]) == (200, "image/gif", "no-store")
    assert answer.content.startswith(b"GIF89a")
    assert client.head(f"/o/{MESSAGE}.gif").status_code == 200


def test_other_links_and_methods_are_refused(client: Client, noted: list[Hit]) -> None:
    url = link_to("https://a.example/")
    for path in (
        url[:-1] + ("A" if url[-2] != "A" else "B") + url[-1],
        url.replace("/c/", "/c/A"),
        link_to("https://a.example/", mail_id=78),
        f"/c/{MESSAGE}.{MESSAGE}",
        f"/c/{MESSAGE}",
        f"/c/https://a.example/.{MESSAGE}",
        "/c/?url=https://a.example/",
        f"/o/{'A' * 50}.gif",
        f"/o/{MESSAGE}",
    ):
        answer = client.get(path)
        assert (answer.status_code, "Location" in answer) == (404, False), path
    for method in ("post", "put", "delete"):
        assert getattr(client, method)(url).status_code == 405
    assert client.options(url)["Allow"] == "GET, HEAD, OPTIONS"
    assert not noted


def test_a_link_stays_valid_when_the_secret_is_replaced(client: Client, settings: Any) -> None:
    url, old = link_to("https://a.example/"), settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [old]
    assert client.get(url).status_code == 302
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(url).status_code == 404
