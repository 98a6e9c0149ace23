"""Suppressions of addresses that are not ASCII get the canonical form of `foundation/addresses.py`.

Domains were stored in the form of IDNA 2003. Where that differs from the form of IDNA 2008 (sharp s, final sigma and the
two joiners became other characters or none), the stored text no longer tells which domain was meant: it stays.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from foundation.addresses import address_key


NOT_ASCII = "select * from mailer_suppression where octet_length(email) > char_length(email) order by id"


def fold_addresses(apps: Any, schema_editor: Any) -> None:
    """Store the canonical form; a row whose canonical form is on the list already is deleted."""
    suppressions = apps.get_model("mailer", "Suppression").objects
    for row in suppressions.raw(NOT_ASCII):
        key = address_key(row.email)
        if key == row.email:
            continue
        same = suppressions.filter(account_id=row.account_id, email=key, kind=row.kind, group_id=row.group_id)
        if same.exists():
            row.delete()
        else:
            suppressions.filter(pk=row.pk).update(email=key)


class Migration(migrations.Migration):
    dependencies = [("mailer", "0005_suppressions")]

    operations = [
        migrations.AlterField(
            model_name="suppression",
            name="email",
            field=models.TextField(help_text="In its canonical form (`foundation.addresses.address_key`)"),
        ),
        migrations.RunPython(fold_addresses, migrations.RunPython.noop),
    ]
