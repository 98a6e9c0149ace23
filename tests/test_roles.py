"""Test the groups Viewer, Operator and Administrator, and what their members can open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.test import Client, RequestFactory
from django_celery_beat.models import PeriodicTask

from config import roles
from config.admin import navigate
from tests.operators import logged_in

SUPERUSERS_ONLY = {"/admin/auth/group/add/"}
FOR_ADMINISTRATORS = {"API keys", "Operators", "Groups", "Periodic tasks"}
"""The entries of the sidebar that the other roles do not see."""


@pytest.fixture
def undone(database: None) -> Iterator[None]:
    """Undo all changes of a test, since the groups come with the migrations and stay."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def held(name: str) -> set[str]:
    permissions = Group.objects.get(name=name).permissions.select_related("content_type")
    return {f"{each.content_type.app_label}.{each.codename}" for each in permissions}


def entries_seen(name: str) -> set[str]:
    user = User.objects.create_user(name.lower(), is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    request = RequestFactory().get("/admin/")
    request.user = user
    entries = [item for group in navigate(request) for item in group["items"]]
    return {item["title"] for item in entries if not callable(item.get("permission")) or item["permission"](request)}


def test_a_new_installation_has_the_roles_with_permissions_that_exist(undone: None) -> None:
    assert {group.name for group in Group.objects.all()} == roles.ROLES.keys(), "the migrations have made them"
    Group.objects.all().delete()
    roles.grant_new_permissions()
    assert {name: held(name) for name in roles.ROLES} == roles.ROLES
    assert roles.VIEWER < roles.OPERATOR < roles.ADMINISTRATOR
    shown = {f"{model._meta.app_label}.view_{model._meta.model_name}" for model in admin.site._registry}
    assert shown <= roles.ADMINISTRATOR, "a model of the admin has no role that sees it"


def test_a_later_release_grants_only_what_it_adds(undone: None) -> None:
    Group.objects.all().delete()
    roles.grant_new_permissions()
    viewer, operator = Group.objects.get(name="Viewer"), Group.objects.get(name="Operator")
    taken, extra = "audience.view_contact", "accounts.view_apikey"
    viewer.permissions.remove(Permission.objects.get(codename="view_contact"))
    viewer.permissions.add(Permission.objects.get(codename="view_apikey"))
    operator.delete()

    roles.note_permissions()
    roles.grant_new_permissions()
    assert held("Viewer") == roles.VIEWER - {taken} | {extra}
    assert not Group.objects.filter(name="Operator").exists()

    viewer.permissions.remove(Permission.objects.get(codename="view_segment"))
    roles._before.discard(Permission.objects.get(codename="view_segment").pk)
    roles.grant_new_permissions()
    assert held("Viewer") == roles.VIEWER - {taken} | {extra}
    assert held("Operator") == {"audience.view_segment"}


def test_each_role_sees_its_entries_of_the_sidebar(undone: None) -> None:
    roles.grant_new_permissions()
    seen = {name: entries_seen(name) for name in roles.ROLES}
    assert seen["Viewer"] == seen["Operator"] == seen["Administrator"] - FOR_ADMINISTRATORS
    assert {"API keys", "Operators", "Periodic tasks"} <= seen["Administrator"]


def test_the_sweep_can_be_neither_deleted_nor_disabled(operator: Client) -> None:
    sweep = PeriodicTask.objects.get(name="sweep")
    path = "/admin/django_celery_beat/periodictask/"
    page = operator.get(f"{path}{sweep.pk}/change/")
    assert page.status_code == 200
    assert "_save" not in page.text
    assert operator.post(f"{path}{sweep.pk}/change/", {"name": "sweep"}).status_code == 403
    assert operator.post(f"{path}{sweep.pk}/delete/", {"post": "yes"}).status_code == 403
    for action in ("disable_tasks", "toggle_tasks", "delete_selected"):
        chosen = {"action": action, "_selected_action": sweep.pk, "post": "yes"}
        operator.post(path, chosen)
        assert PeriodicTask.objects.filter(name="sweep", enabled=True).exists(), action


def test_an_administrator_is_no_superuser(database: None) -> None:
    with logged_in("ada", may=tuple(sorted(roles.ADMINISTRATOR))) as client:
        for path in ("/admin/", "/admin/accounts/apikey/add/", "/admin/auth/user/"):
            assert client.get(path).status_code == 200, path
        for path in SUPERUSERS_ONLY:
            assert client.get(path).status_code == 403, path
