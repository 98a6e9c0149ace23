"""Test templates and their versions in the core: one active version, contents that never change, and limits."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.db import connection

from accounts.models import Account
from content import limits
from content.errors import (
    InvalidTemplate,
    NoActiveVersion,
    TemplateLimitReached,
    UnknownTemplate,
    UnknownVersion,
    VersionLimitReached,
)
from content.models import Template, TemplateVersion, VersionContent
from content.templates import (
    create_template,
    delete_template,
    duplicate_template,
    find_active_content,
    find_template,
    list_templates,
    rename_template,
)
from content.test_data import read_test_data
from content.versions import activate_version, change_version, create_version, delete_version, find_version
from foundation.errors import UnfitCharacter
from mailer.models import Mail
from mailer.pipeline.accept import accept_mail
from mailer.sweep import prune
from tests.conftest import Clock
from tests.content.building import RULES, template_of, version_of
from tests.drafts import draft


def test_first_version_is_active_and_another_one_when_it_is_activated(alice: Account) -> None:
    template = template_of(alice)
    with pytest.raises(NoActiveVersion) as caught:
        find_active_content(alice, template.public_id)
    assert caught.value.field == "template_id"
    first, second = version_of(template, is_active=False), version_of(template, subject="Second")
    assert (first.is_active, second.is_active) == (True, False)
    assert find_active_content(alice, template.public_id) == first.content
    assert activate_version(alice, template.public_id, second.uuid).is_active
    assert find_active_content(alice, template.public_id).subject == "Second"
    third = version_of(template, subject="Third", is_active=True)
    assert find_active_content(alice, template.public_id) == third.content
    change_version(alice, template.public_id, third.uuid, rules=RULES, is_active=False)
    with pytest.raises(NoActiveVersion):
        find_active_content(alice, template.public_id)


def test_active_content_is_found_with_one_query(
    alice: Account, django_assert_num_queries: Callable[..., object]
) -> None:
    template = template_of(alice)
    version_of(template)
    with django_assert_num_queries(1):  # type: ignore[attr-defined]
        find_active_content(alice, template.public_id)


def test_a_change_of_content_leaves_the_content_that_mail_has(alice: Account, clock: Clock) -> None:
    template = template_of(alice)
    version = version_of(template)
    old = version.content
    accept_mail(alice, draft(1))
    Mail.objects.update(template=old)
    changed = change_version(alice, template.public_id, version.uuid, rules=RULES, subject="Other")
    assert (changed.uuid, changed.content.subject, changed.content.html) == (version.uuid, "Other", "<p>Hi</p>")
    again = change_version(alice, template.public_id, version.uuid, rules=RULES, name="Second", subject="Other")
    assert (again.name, again.content_id) == ("Second", changed.content_id)
    third = change_version(alice, template.public_id, version.uuid, rules=RULES, html_content="<p>New</p>")
    assert third.content.plain == "plain of <p>New</p>"
    prune()
    assert VersionContent.objects.count() == 3
    # Of the two unused contents, only the one that no mail has is deleted, and not at once.
    clock.advance(hours=2)
    prune()
    assert set(VersionContent.objects.all()) == {old, third.content}
    old.refresh_from_db()
    assert (old.subject, old.html) == ("Hello", "<p>Hi</p>")


def test_deleted_templates_and_versions_leave_nothing_but_the_contents_of_mail(alice: Account, clock: Clock) -> None:
    template = template_of(alice)
    first, second = version_of(template), version_of(template)
    accept_mail(alice, draft(1))
    Mail.objects.update(template=first.content)
    delete_version(alice, template.public_id, first.uuid)
    with pytest.raises(UnknownVersion):
        find_version(alice, template.public_id, first.uuid)
    with pytest.raises(NoActiveVersion):
        find_active_content(alice, template.public_id)
    delete_template(alice, template.public_id)
    with pytest.raises(UnknownTemplate):
        find_template(alice, template.public_id)
    assert not Template.objects.exists()
    clock.advance(hours=2)
    prune()
    assert list(VersionContent.objects.all()) == [first.content]
    assert second.content_id != first.content_id


def test_plain_text_is_made_from_the_html_unless_the_version_has_one(alice: Account) -> None:
    template = template_of(alice)

    def change(version: TemplateVersion, **fields: str) -> str:
        return change_version(alice, template.public_id, version.uuid, rules=RULES, **fields).content.plain  # type: ignore[arg-type]

    made = version_of(template, plain_content="ignored")
    assert made.content.plain == "plain of <p>Hi</p>"
    assert change(made, html_content="x") == "plain of x"
    own = version_of(template, plain_content="own", generates_plain=False)
    assert own.content.plain == "own"
    assert change(own, html_content="x") == "own"
    assert version_of(template, html_content="", plain_content="text").content.plain == "text"


def test_a_copy_has_separate_versions(alice: Account) -> None:
    template = template_of(alice, is_dynamic=False)
    first, second = version_of(template), version_of(template, name="Second", is_active=True)
    copy = duplicate_template(alice, template.public_id)
    assert (copy.name, copy.is_dynamic) == ("Copy of Welcome", False)
    assert copy.public_id != template.public_id
    copies = list(copy.versions.order_by("pk").select_related("content"))
    assert [(each.name, each.is_active) for each in copies] == [("First", False), ("Second", True)]
    assert {each.uuid for each in copies}.isdisjoint({first.uuid, second.uuid})
    content = copies[1].content
    assert (content.template_id_shown, content.version_id_shown) == (copy.public_id, str(copies[1].uuid))
    change_version(alice, copy.public_id, copies[1].uuid, rules=RULES, subject="Other")
    assert find_active_content(alice, template.public_id).subject == "Hello"
    assert duplicate_template(alice, template.public_id, "Named").name == "Named"


def test_limits_are_refused(alice: Account, charlie: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("content.templates.TEMPLATES", 1)
    monkeypatch.setattr("content.versions.VERSIONS", 1)
    template = template_of(alice)
    version_of(template)
    template_of(charlie)
    with pytest.raises(TemplateLimitReached):
        template_of(alice)
    with pytest.raises(TemplateLimitReached):
        duplicate_template(alice, template.public_id)
    with pytest.raises(VersionLimitReached):
        version_of(template)
    assert (TemplateVersion.objects.count(), VersionContent.objects.count()) == (1, 1)


def test_texts_that_cannot_be_stored_are_refused_by_name(alice: Account) -> None:
    template = template_of(alice)
    too_long = "é" * (limits.CONTENT_BYTES // 2 + 1)
    wrong: list[tuple[str, str]] = [
        ("name", ""),
        ("name", "x" * 101),
        ("subject", "x" * 256),
        ("html_content", too_long),
        ("plain_content", too_long),
        ("test_data", "[]"),
        ("test_data", "{"),
        ("test_data", '{"a": 1e999}'),
        ("test_data", '{"a": "\\u0000"}'),
        ("test_data", "[" * 1000),
    ]
    for field, value in wrong:
        with pytest.raises(InvalidTemplate) as caught:
            version_of(template, generates_plain=False, **{field: value})
        assert caught.value.field == field, value[:20]
    for field in ("name", "subject"):
        with pytest.raises(UnfitCharacter):
            version_of(template, **{field: "a\nb"})
    assert not VersionContent.objects.exists()
    assert read_test_data('{"a": "\\\\u0000"}') == {"a": "\\u0000"}
    assert read_test_data("") == {}


def test_templates_of_another_account_are_unknown(alice: Account, charlie: Account) -> None:
    template = template_of(alice)
    version = version_of(template)
    public_id = template.public_id
    calls: list[Callable[[], object]] = [
        lambda: find_template(charlie, public_id),
        lambda: rename_template(charlie, public_id, "Mine"),
        lambda: duplicate_template(charlie, public_id),
        lambda: delete_template(charlie, public_id),
        lambda: find_active_content(charlie, public_id),
        lambda: create_version(charlie, public_id, rules=RULES, name="x"),
        lambda: change_version(charlie, public_id, version.uuid, rules=RULES, name="x"),
        lambda: activate_version(charlie, public_id, version.uuid),
        lambda: delete_version(charlie, public_id, version.uuid),
    ]
    for call in calls:
        with pytest.raises(UnknownTemplate):
            call()
    other = create_template(alice, "Other", is_dynamic=True)
    with pytest.raises(UnknownVersion):
        find_version(alice, other.public_id, version.uuid)
    assert list(list_templates(charlie)) == []
    assert list(list_templates(alice, are_dynamic=[False])) == []
    assert find_template(alice, public_id).name == "Welcome"


def test_concurrent_activations_leave_one_active_version(alice: Account) -> None:
    template = template_of(alice)
    versions = [version_of(template).uuid for _ in range(3)]
    gate = threading.Barrier(len(versions))
    errors: list[Exception] = []

    def activate(version: uuid.UUID) -> None:
        try:
            for _ in range(5):
                gate.wait(10)
                activate_version(alice, template.public_id, version)
        except Exception as error:
            errors.append(error)
            gate.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=activate, args=[version]) for version in versions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert errors == []
    assert TemplateVersion.objects.filter(is_active=True).count() == 1
