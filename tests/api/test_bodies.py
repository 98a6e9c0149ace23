"""Bodies are read strictly, and what is wrong with one is explained by a table."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from api.bodies import ANY, Body, Moment, Uuid, condition, explain, find_time, null_as


class Pet(Body):
    """A body with one field of each kind that has rules of its own."""

    title: Annotated[str, condition("blank", str.strip), condition("too_long", lambda it: len(it) < 9, most=8)] = ""
    toys: list[str] = Field([], alias="toy_names")
    owner: Annotated[int | None, null_as(int)] = None
    id: Uuid | None = None
    born_at: Moment | None = None


TEXTS = {
    ("title", "blank"): "{name} is blank",
    ("toy_names", ANY): "{name} must be strings",
    (ANY, "too_long"): "{name} is longer than {most}",
    (ANY, "string_type"): "{name} must be a string",
    (ANY, "int_type"): "{name} must be an integer",
    (ANY, "uuid"): "{name} must be a UUID",
    (ANY, "time"): "{name} must be a time",
}


def problems(body: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Pet.model_validate(body)
    return [text.format(name=flaw.field, **flaw.limits) for flaw, text in explain(caught.value, TEXTS)]


def test_given_holds_only_the_fields_of_the_request() -> None:
    body = Pet.model_validate({"toy_names": ["ball"], "owner": None, "unknown": 1})
    assert body.sent_fields() == {"toys": ["ball"], "owner": 0}


def test_every_wrong_field_is_explained_once_in_the_order_of_the_model() -> None:
    body = {"born_at": "today", "id": 1, "owner": True, "toy_names": [1, 2, 3], "title": " "}
    assert problems(body) == [
        "title is blank",
        "toy_names must be strings",
        "owner must be an integer",
        "id must be a string",
        "born_at must be a time",
    ]


def test_limits_fill_the_texts() -> None:
    assert problems({"title": "x" * 9, "id": "x"}) == ["title is longer than 8", "id must be a UUID"]


def test_a_time_needs_an_offset_and_a_moment_that_exists() -> None:
    assert find_time("2030-01-31T08:30:00+01:00") == find_time("2030-01-31t07:30z")
    for text in ("2030-01-31T08:30:00", "2030-02-31T08:30:00Z", "9999-01-01T00:00:00Z", "2030-01-31", ""):
        assert find_time(text) is None
