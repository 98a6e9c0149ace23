"""Fragments are built once for all who watch a page, by one process, and the pages survive without Redis."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.test import Client

from accounts.models import Account
from batches.handles import create_batch
from batches.states import BatchStatus
from batches.stop.control import stop_batch
from campaigns.editing import create_campaign, edit_campaign
from console import fragments
from console.fragments import Fragment, fetch_fragment, note_act
from foundation.redis_client import client_for
from tests.waiting import wait_until


class Builder:
    """A builder that counts how often a fragment was built. While `may_end` is not set, a build goes on."""

    def __init__(self, *, is_final: bool = False, seconds: float = 0.0) -> None:
        self.count = 0
        self.is_final = is_final
        self.seconds = seconds
        self.may_end = threading.Event()
        self.may_end.set()

    def __call__(self) -> tuple[str, bool]:
        self.count += 1
        number = self.count
        time.sleep(self.seconds)
        assert self.may_end.wait(10)
        return f"<p>{number}</p>", self.is_final


class Clock:
    """The clock by which fragments age."""

    def __init__(self) -> None:
        self.now = time.time()


@pytest.fixture(autouse=True)
def ages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """Let fragments age only when the test says so, and begin without any."""
    clock = Clock()
    times = SimpleNamespace(time=lambda: clock.now, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(fragments, "time", times)
    monkeypatch.setattr(fragments, "FRESH_SECONDS", 3.0)
    monkeypatch.setattr(fragments, "FINAL_SECONDS", 30.0)
    forget()
    yield clock
    forget()


def forget() -> None:
    for name in fragments.redis().scan_iter("sluice:page*"):
        fragments.redis().delete(name)
    fragments._kept.clear()


def fetch_together(build: Builder, viewers: int) -> list[str]:
    """Return what several viewers see who ask for a fragment at the same time."""
    seen: list[str] = []
    threads = [threading.Thread(target=lambda: seen.append(fetch_fragment("test", build).html)) for _ in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seen


def test_a_fragment_is_built_once_for_all_viewers_until_it_is_old(ages: Clock) -> None:
    build = Builder(seconds=0.1)
    assert fetch_together(build, viewers=8) == ["<p>1</p>"] * 8
    assert fetch_fragment("test", build).html == "<p>1</p>"
    assert fetch_fragment("another", build).html == "<p>2</p>"
    ages.now += 3
    assert fetch_fragment("test", build).html == "<p>3</p>"


def test_the_old_fragment_is_served_while_one_process_builds_the_next(ages: Clock) -> None:
    build = Builder()
    fetch_fragment("test", build)
    ages.now += 3
    build.may_end.clear()
    with ThreadPoolExecutor(1) as pool:
        next_one = pool.submit(fetch_fragment, "test", build)
        try:
            wait_until(lambda: build.count == 2, why="the next build")
            assert fetch_together(build, viewers=3) == ["<p>1</p>"] * 3
        finally:
            build.may_end.set()
        assert next_one.result(10).html == "<p>2</p>"


def test_a_final_fragment_is_kept_longer(ages: Clock) -> None:
    build, built_at = Builder(is_final=True), ages.now
    fetch_fragment("test", build)
    ages.now += 29
    assert fetch_fragment("test", build) == Fragment("<p>1</p>", is_final=True, built_at=built_at)
    ages.now += 1
    assert fetch_fragment("test", build).html == "<p>2</p>"


def test_a_page_that_is_opened_gets_no_final_fragment_from_before(ages: Clock) -> None:
    build = Builder(is_final=True)
    fetch_fragment("test", build)
    ages.now += 0.1
    assert fetch_fragment("test", build, is_opened=True).html == "<p>2</p>"
    assert fetch_fragment("test", build).html == "<p>2</p>", "polls get the new one, too"


def test_a_page_that_is_opened_does_not_get_what_was_read_before_it(ages: Clock) -> None:
    """Another process has begun to build the fragment before this viewer acted."""
    build = Builder(is_final=True)
    with being_built(build) as pool:
        ages.now += 0.1
        opened = pool.submit(fetch_fragment, "test", build, is_opened=True)
    assert opened.result().html == "<p>2</p>"


def test_no_fragment_from_before_an_act_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    build = Builder()
    with being_built(build) as pool:
        note_act()
        polled = pool.submit(fetch_fragment, "test", build)
    assert polled.result().html == "<p>2</p>", "the other one had begun before"
    assert fetch_fragment("test", build).html == "<p>2</p>"
    away = client_for("redis://127.0.0.1:1/0", timeout_seconds=0.1)
    with monkeypatch.context() as patch:
        patch.setattr(fragments, "redis", lambda: away)
        assert [fetch_fragment("test", build).html for _ in range(2)] == ["<p>3</p>"] * 2
        note_act()
        assert fetch_fragment("test", build).html == "<p>4</p>"


@contextmanager
def being_built(build: Builder) -> Iterator[ThreadPoolExecutor]:
    """Build a fragment in another thread for as long as this block lasts, and wait for the threads at its end."""
    build.may_end.clear()
    with ThreadPoolExecutor(2) as pool:
        pool.submit(fetch_fragment, "test", build)
        try:
            wait_until(lambda: build.count == 1, why="the build")
            yield pool
        finally:
            build.may_end.set()


def test_a_page_shows_what_its_viewer_has_just_stopped(operator: Client, alice: Account) -> None:
    batch = create_batch(alice)
    page = f"/admin/batches/batch/{batch.pk}/"
    assert ">open<" in "".join(operator.get(f"{page}change/").text.split())
    stop_batch(alice, batch.public_id, BatchStatus.PAUSED, actor="a program", allowed_from=set(BatchStatus))
    Client().post(f"{page}pause/", {"reason": ""})
    assert ">open<" in "".join(operator.get(f"{page}change/").text.split()), "a stranger makes no page be built again"
    operator.post(f"{page}resume/", {"reason": ""})
    operator.post(f"{page}pause/", {"reason": ""})
    assert ">paused<" in "".join(operator.get(f"{page}change/").text.split())


def test_the_page_of_a_draft_shows_what_was_saved(operator: Client, alice: Account, ages: Clock) -> None:
    campaign = create_campaign(alice, {"title": "News"})
    page = f"/admin/campaigns/campaign/{campaign.pk}/change/"
    assert "a subject" in operator.get(page).content.decode()
    edit_campaign(alice, campaign.pk, {"subject": "News of May"})
    ages.now += 0.1
    assert "a subject" not in operator.get(page).content.decode()


def test_a_fragment_is_built_again_after_its_builder_has_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "BUILD_SECONDS", 1)
    fragments.redis().set("sluice:page-lock:test", "1", ex=1)
    began = time.monotonic()
    assert fetch_fragment("test", Builder()).html == "<p>1</p>"
    assert 0.5 < time.monotonic() - began < 3


def test_a_failure_of_the_builder_blocks_nobody() -> None:
    def fail() -> tuple[str, bool]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch_fragment("test", fail)
    assert fetch_fragment("test", Builder()).html == "<p>1</p>"


def test_each_process_keeps_fragments_while_redis_is_away(ages: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    away = client_for("redis://127.0.0.1:1/0", timeout_seconds=0.1)
    build = Builder(seconds=0.05)
    with monkeypatch.context() as patch:
        patch.setattr(fragments, "redis", lambda: away)
        assert fetch_together(build, viewers=4) == ["<p>1</p>"] * 4
        ages.now += 3
        assert fetch_fragment("test", build).html == "<p>2</p>"


def test_a_poll_of_an_unchanged_page_is_answered_with_304(operator: Client) -> None:
    page = operator.get("/admin/health/")
    assert page.status_code == 200
    assert float(page["X-Sluice-Age"]) < 2
    again = operator.get("/admin/health/", headers={"If-None-Match": page["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == page["ETag"]
    assert "X-Sluice-Age" in again


def test_visitors_see_no_fragment(database: None) -> None:
    assert Client().get("/admin/health/").status_code == 302
