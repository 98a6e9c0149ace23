"""Test operators in the admin: the permission to change operators does not grant every other permission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from tests.examples import few_by_default, further
from tests.operators import logged_in

USERS = "/admin/auth/user/"
MANAGING = ("auth.view_user", "auth.add_user", "auth.change_user", "auth.delete_user", "auth.change_group")
NEW_PASSWORD = {"password1": "a long enough password", "password2": "a long enough password", "usable_password": "true"}


@pytest.fixture
def manager(database: None) -> Iterator[Client]:
    """Return the browser of a staff member who may manage operators and groups only."""
    with logged_in("manager", may=MANAGING) as client:
        yield client


@pytest.fixture
def root(database: None) -> Iterator[User]:
    user = User.objects.create_superuser("root", password="the old password")
    yield user
    user.delete()


@pytest.fixture
def colleague(database: None) -> Iterator[User]:
    """Create a staff member with a permission that the manager does not have."""
    user = User.objects.create_user("colleague", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="change_batch"))
    yield user
    user.delete()


def save_operator(client: Client, user: User, **fields: Any) -> Any:
    form = {"username": user.username, "is_active": "on", "is_staff": "on", "date_joined_0": "2026-01-01"}
    return client.post(f"{USERS}{user.pk}/change/", {**form, "date_joined_1": "00:00:00", **fields})


def test_nobody_grants_permissions_without_being_a_superuser(manager: Client) -> None:
    user = User.objects.get(username="manager")
    group = Group.objects.create(name="all")
    granted = Permission.objects.get(codename="change_batch")
    group.permissions.add(granted)
    before = user.get_all_permissions()
    answer = save_operator(
        manager, user, is_superuser="on", groups=group.pk, user_permissions=granted.pk, last_name="M"
    )
    assert answer.status_code == 302
    again = User.objects.get(pk=user.pk)
    assert (again.is_superuser, again.get_all_permissions(), again.last_name) == (False, before, "M")
    assert manager.post(f"/admin/auth/group/{group.pk}/change/", {"name": "all"}).status_code == 403
    group.delete()


@pytest.mark.parametrize("target", few_by_default(["root", "colleague"], "colleague"))
def test_operators_with_more_permissions_cannot_be_changed(
    manager: Client, target: str, request: pytest.FixtureRequest
) -> None:
    user: User = request.getfixturevalue(target)
    answers = [
        save_operator(manager, user, last_name="M"),
        manager.post(f"{USERS}{user.pk}/password/", NEW_PASSWORD),
        manager.post(f"{USERS}{user.pk}/delete/", {"post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    manager.post(USERS, {"action": "delete_selected", "_selected_action": user.pk, "post": "yes"})
    again = User.objects.get(pk=user.pk)
    assert (again.last_name, again.password) == ("", user.password)


@further
def test_operators_without_more_permissions_are_managed(manager: Client) -> None:
    assert manager.post(f"{USERS}add/", {"username": "newcomer", **NEW_PASSWORD}).status_code == 302
    newcomer = User.objects.get(username="newcomer")
    assert save_operator(manager, newcomer, last_name="N").status_code == 302
    assert User.objects.get(pk=newcomer.pk).last_name == "N"


def test_a_superuser_grants_permissions(operator: Client, colleague: User) -> None:
    assert save_operator(operator, colleague, is_superuser="on").status_code == 302
    assert User.objects.get(pk=colleague.pk).is_superuser
