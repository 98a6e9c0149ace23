"""The pages agree with the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.campaign_words import Dialect, word_for
from api.document import WITHOUT_EFFECT
from batches.states import PARCEL_MOVES, BatchStatus, ParcelState
from batches.verdict import VERDICTS, Phase
from campaigns.states import CAMPAIGN_MOVES, CampaignStatus
from events.native import NAMES
from events.webhooks.sendgrid_form import BITS
from mailer.models import EventKind
from tests.api.described_fields import table_of

DOCS = Path(__file__).parent.parent / "docs"
ARROW = re.compile(r"^\s*(\w+) --> (\w+) :", re.MULTILINE)


def section(title: str) -> str:
    text = (DOCS / "lifecycle.md").read_text()
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_parcels_diagram_is_the_table_of_moves() -> None:
    drawn = set(ARROW.findall(section("A parcel")))
    moves = {(state.label, target.label) for state, targets in PARCEL_MOVES.items() for target in targets}
    assert drawn == moves


def test_the_parcels_table_has_every_state() -> None:
    rows = re.findall(r"^\| (\w+) \|", section("A parcel"), re.MULTILINE)
    assert rows[1:] == [state.label for state in ParcelState]


def test_the_table_of_events_has_every_kind() -> None:
    rows = re.findall(r"^\| ([a-z ]+) \| .+ \|$", section("The events of a message"), re.MULTILINE)
    assert rows[1:] == [kind.label for kind in EventKind]


def test_the_table_of_kinds_on_the_page_of_events_has_every_kind() -> None:
    rows = re.findall(r"^\| (`\w+`|\(none\)) \| (.+?) \| .+ \| .+ \|$", (DOCS / "events.md").read_text(), re.MULTILINE)
    assert {native for native, _ in rows} == {"(none)", *(f"`{name}`" for name in NAMES.values())}
    sendgrid = {name for _, cell in rows for name in re.findall(r"`(\w+)`", cell) if name in BITS}
    assert sendgrid == set(BITS)


def test_the_campaigns_diagram_is_the_table_of_moves() -> None:
    drawn = set(ARROW.findall(section("A campaign")))
    assert drawn == {(status.label, target.label) for status, moves in CAMPAIGN_MOVES.items() for target in moves}


def test_the_campaigns_table_has_the_dialects_words() -> None:
    rows = re.findall(r"^\| (\w+) \|(.+)\|$", section("A campaign"), re.MULTILINE)
    table = {status: [word.strip() for word in words.split("|")] for status, words in rows[1:]}
    assert table == {status.label: [word_for(status, dialect) for dialect in Dialect] for status in CampaignStatus}


def test_the_batch_diagram_lets_every_status_reach_every_other() -> None:
    drawn = set(ARROW.findall(section("A batch")))
    labels = [status.label for status in BatchStatus]
    assert drawn == {(before, after) for before in labels for after in labels if before != after}


def test_the_table_of_verdicts_is_the_codes() -> None:
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (\w+) \| (\w+) \|$", section("The verdict"), re.MULTILINE)
    assert rows == [
        (status.value, *(VERDICTS[status][phase].value for phase in (Phase.BEFORE, Phase.DURING, Phase.AFTER)))
        for status in VERDICTS
    ]


def test_every_link_between_the_pages_leads_somewhere() -> None:
    links = [
        (page, target)
        for page in (*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md"))
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text())
    ]
    assert len(links) > 100
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []


def test_tables_and_code_within_lists_are_indented_as_the_site_needs_it() -> None:
    """GitHub takes two spaces. The site needs four, and a blank line after a table, or it shows their source."""
    for page in [*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")]:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
        assert re.findall(r"^ {1,3}(?:```|\|).*", text, re.MULTILINE) == [], page.name
        assert re.findall(r"^ *\|.*\n *[^|\s].*", text, re.MULTILINE) == [], page.name


def test_the_architecture_names_files_that_exist() -> None:
    names = re.findall(r"`((?:\w+/)+[\w.]*|\w+\.(?:py|yml))`", (DOCS / "architecture.md").read_text())
    assert len(names) > 50
    assert [name for name in names if not (DOCS.parent / name).exists()] == []


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_the_tables_of_fields_without_effect_are_the_declarations(name: str) -> None:
    """The failure's message has the table that the page should have."""
    assert table_of(WITHOUT_EFFECT[name]) in (DOCS / "without-effect.md").read_text()
