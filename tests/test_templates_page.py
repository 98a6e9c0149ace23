"""The examples of `docs/templates.md` render as the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from content.handlebars import DEFAULT, TemplateError, compile_template
from content.handlebars.dates import TOKENS
from content.handlebars.helpers import HELPERS
from content.handlebars.parse import MAX_BLOCK_DEPTH, MAX_CALL_DEPTH, MAX_LINKS, MAX_PARTS, MAX_PATH, MAX_TOKENS
from content.limits import CONTENT_BYTES, SUBJECT_LENGTH, TEMPLATES, VERSIONS
from mailer.compose.footers import OF_GROUP
from mailer.compose.mime import make_renderer
from mailer.compose.source import RENDER_SECONDS
from mailer.compose.system_tags import GLOBAL_NAMES, GROUP_NAMES, PREFERENCES_NAMES, SYSTEM_NAMES
from mailer.models import Mail

PAGE = (Path(__file__).parent.parent / "docs" / "templates.md").read_text()
LINES = re.findall(r"^\| `(.+?)` \| `(\{.*?\})` \| `(.+)` \|$", PAGE, re.MULTILINE)
BLOCKS = re.findall(r"```handlebars\n(.*?)```\n\n```json\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
ERRORS = re.findall(r"^\| `(.+?)` \| `(line .+)` \|$", PAGE, re.MULTILINE)


def test_the_examples_render_as_shown() -> None:
    assert len(LINES) > 30
    assert BLOCKS
    for source, data, result in [*LINES, *BLOCKS]:
        assert compile_template(source).render(json.loads(data)) == result, source


def test_the_examples_of_errors_are_the_messages() -> None:
    assert ERRORS
    for source, message in ERRORS:
        with pytest.raises(TemplateError) as raised:
            compile_template(source)
        assert str(raised.value) == message, source


def test_the_example_of_sections_makes_the_texts_of_the_page() -> None:
    section = PAGE.split("\n## Substitutions and sections\n")[1].split("\n## ")[0]
    request = json.loads(section.split("```json\n")[1].split("```")[0])
    mail = Mail(account_id=1, content=request["content"], rendering={"sections": request["sections"]})
    renderer = make_renderer(mail, "https://mail.example.com")
    assert renderer
    for message_id, personal in enumerate(request["personalizations"]):
        (text,) = renderer.render(message_id, "to@example.com", {"substitutions": personal["substitutions"]}).texts
        assert f"`{text}`" in section


def test_the_texts_of_footers_are_those_of_the_page() -> None:
    section = PAGE.split("\n## Footers to unsubscribe\n")[1].split("\n## ")[0]
    for line in OF_GROUP["text/plain"].splitlines():
        assert f"`{line.partition(' <')[0]}`" in section


def test_the_table_of_bounds_has_the_limits() -> None:
    table = PAGE.split("| bound | value |")[1].split("\n\n")[0]
    cells = [row.split(" | ")[1] for row in table.split("\n")[2:]]
    numbers = [int(re.findall(r"\d[\d,]*", cell)[0].replace(",", "")) for cell in cells]
    assert numbers == [
        *(CONTENT_BYTES // 2**20, SUBJECT_LENGTH, TEMPLATES),
        *(MAX_PARTS, MAX_TOKENS, MAX_BLOCK_DEPTH, MAX_CALL_DEPTH, MAX_LINKS, MAX_PATH),
        *(DEFAULT.characters, DEFAULT.steps, RENDER_SECONDS),
    ]
    assert TEMPLATES == VERSIONS


def test_the_page_has_every_helper_every_token_and_every_tag() -> None:
    sources = " ".join(source for source, *_ in LINES)
    assert {name for name in HELPERS if not re.search(rf"[{{#(]{name}\b", sources)} == set()
    table = PAGE.split("| tokens |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(TOKENS)
    tags = PAGE.split("\n## System tags\n")[1].split("\n\n")[1]
    names = SYSTEM_NAMES | GROUP_NAMES | GLOBAL_NAMES | PREFERENCES_NAMES
    assert {name for name in names if not re.search(rf"\b{name}\b", tags)} == set()
