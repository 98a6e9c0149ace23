"""Test beat while the database is away, and while it is stopped."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError, connection
from django_celery_beat.schedulers import DatabaseScheduler

from config import beat
from config.beat import PAUSE_SECONDS, PatientScheduler


def test_beat_waits_at_its_start_for_a_database_that_is_away(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def refuse() -> None:
        if len(pauses) < 3:
            raise OperationalError("the database system is starting up")
        connect()

    connection.close()
    connect = connection.connect
    with monkeypatch.context() as away:
        away.setattr(connection, "connect", refuse)
        away.setattr(beat, "time", SimpleNamespace(sleep=pauses.append))
        scheduler = PatientScheduler(app=current_app)

    assert len(pauses) == 3
    assert "sweep" in scheduler.schedule


def test_beat_continues_when_the_database_is_away(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = PatientScheduler(app=current_app)

    def lose(*_: Any, **__: Any) -> float:
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as away:
        away.setattr(DatabaseScheduler, "tick", lose)
        assert scheduler.tick() == PAUSE_SECONDS
    assert "sweep" in scheduler.schedule


def test_a_stop_in_the_middle_of_a_statement_waits_for_its_end(database: None, monkeypatch: pytest.MonkeyPatch) -> None:
    scheduler = PatientScheduler(app=current_app)
    written: list[str] = []
    monkeypatch.setattr(DatabaseScheduler, "sync", lambda _: written.append("last runs"))

    def tick(_: PatientScheduler) -> float:
        scheduler.close()
        assert written == []
        return 1.0

    monkeypatch.setattr(DatabaseScheduler, "tick", tick)
    assert scheduler.tick() == 1.0
    scheduler.close()
    assert written == ["last runs"]
