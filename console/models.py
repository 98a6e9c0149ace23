"""Define SignIn, the only thing that the console stores."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from foundation.clock import Now


class SignIn(models.Model):
    """A sign-in or sign-out of an operator, or a failed attempt."""

    class Kind(models.IntegerChoices):
        """The kinds of entries."""

        SIGNED_IN = 1, "signed in"
        SIGNED_OUT = 2, "signed out"
        FAILED = 3, "failed to sign in"

    kind = models.SmallIntegerField(choices=Kind.choices)
    username = models.CharField(
        max_length=150, blank=True, help_text="Empty for a failed attempt with a name that no operator has"
    )
    address = models.CharField(max_length=64, blank=True, help_text="The network address that it came from")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="sign_ins_by_time"),
            models.Index(fields=["username", "-id"], name="sign_ins_of_operator"),
            models.Index(fields=["id"], condition=models.Q(kind=3), name="failed_sign_ins"),
        ]

    def __str__(self) -> str:
        return f"{self.username or 'unknown name'} {self.get_kind_display()}"
