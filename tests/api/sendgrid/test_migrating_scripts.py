"""The scripts of `docs/migrating-from-sendgrid.md` copy everything from one account to another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import sendgrid

from tests.api.conftest import ApiClient
from tests.examples import further

PAGE = Path(__file__).parents[3] / "docs" / "migrating-from-sendgrid.md"
SCRIPTS = dict(re.findall(r"^```python\n# (\w+)\.py\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE))
PAGES = {'"page_size": 200': '"page_size": 1', '"limit": 500': '"limit": 1', "1000": "1"}
"""Sizes in the scripts, and the sizes with which a test sees more than one page."""
HTML = "{{#if name}}<p>Hello {{name}}</p>{{/if}}"


@pytest.fixture
def run_script(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Return a function that runs a script which copies from Alice's account to Charlie's."""
    monkeypatch.setenv("SENDGRID_API_KEY", client_of_alice.key_text)
    monkeypatch.setenv("SLUICE_API_KEY", client_of_charlie.key_text)
    monkeypatch.setenv("SLUICE_URL", server_url)
    monkeypatch.setattr(sendgrid, "SendGridAPIClient", partial(sendgrid.SendGridAPIClient, host=server_url))

    def run(name: str) -> None:
        script = SCRIPTS[name]
        for size, small in PAGES.items():
            script = script.replace(size, small)
        exec(compile(script, f"{name}.py", "exec"), {})

    return run


@further
def test_suppressions_are_copied_and_may_be_copied_again(
    client_of_alice: ApiClient, client_of_charlie: ApiClient, run_script: Callable[[str], None]
) -> None:
    fields = {"name": "News", "description": "News of the shop", "is_default": False}
    group_id = client_of_alice.post("/v3/asm/groups", fields).json()["id"]
    leavers = {"recipient_emails": ["ann@example.com", "bob@example.com"]}
    client_of_alice.post(f"/v3/asm/groups/{group_id}/suppressions", leavers)
    client_of_alice.post("/v3/asm/suppressions/global", {"recipient_emails": ["cat@example.com", "dan@example.com"]})
    for _ in range(2):
        run_script("copy_suppressions")
    (group,) = client_of_charlie.get("/v3/asm/groups").json()
    assert {name: group[name] for name in fields} == fields
    addresses = client_of_charlie.get(f"/v3/asm/groups/{group['id']}/suppressions").getvalue()
    assert sorted(json.loads(addresses)) == ["ann@example.com", "bob@example.com"]
    unsubscribed = client_of_charlie.get("/v3/suppression/unsubscribes").json()
    assert sorted(entry["email"] for entry in unsubscribed) == ["cat@example.com", "dan@example.com"]


def test_templates_are_copied_with_their_versions(
    client_of_alice: ApiClient,
    client_of_charlie: ApiClient,
    run_script: Callable[[str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = client_of_alice.post("/v3/templates", {"name": "Receipt", "generation": "dynamic"}).json()["id"]
    for name, active in [("one", 0), ("two", 1), ("three", 0)]:
        fields = {"name": name, "subject": "For {{name}}", "html_content": HTML, "active": active}
        assert client_of_alice.post(f"/v3/templates/{old}/versions", fields).status_code == 201
    client_of_alice.post("/v3/templates", {"name": "Letter", "generation": "legacy"})
    run_script("copy_templates")
    copies = client_of_charlie.get("/v3/templates?generations=legacy,dynamic&page_size=10").json()["result"]
    assert {(each["name"], each["generation"]) for each in copies} == {("Receipt", "dynamic"), ("Letter", "legacy")}
    (receipt,) = [each for each in copies if each["name"] == "Receipt"]
    assert f"template {old} -> {receipt['id']}" in capsys.readouterr().out
    versions = client_of_charlie.get(f"/v3/templates/{receipt['id']}").json()["versions"]
    assert {(each["name"], each["active"]) for each in versions} == {("one", 0), ("two", 1), ("three", 0)}
    assert {(each["subject"], each["html_content"]) for each in versions} == {("For {{name}}", HTML)}
