"""The permissions of operators are read in one statement, and are those that Django reads."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, Group, Permission, User

from accounts.permissions import OneReadBackend


def test_permissions_are_those_of_django(database: None) -> None:
    own, of_group = Permission.objects.order_by("pk")[:2]
    group = Group.objects.create(name="staff")
    group.permissions.add(own, of_group)
    users = {
        "usual": User.objects.create_user("usual"),
        "inactive": User.objects.create_user("inactive", is_active=False),
        "super": User.objects.create_superuser("super"),
        "without": User.objects.create_user("without"),
    }
    for name in ("usual", "inactive"):
        users[name].user_permissions.add(own)
        users[name].groups.add(group)
    for user in (*users.values(), AnonymousUser()):
        for subject in (None, group):
            ours = OneReadBackend().get_all_permissions(user, subject)
            again = User.objects.get(pk=user.pk) if user.pk else user
            assert ours == ModelBackend().get_all_permissions(again, subject), (user, subject)
    assert len(OneReadBackend().get_all_permissions(users["usual"])) == 2
