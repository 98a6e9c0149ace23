"""Contacts whose addresses are not ASCII get the canonical form of `foundation/addresses.py`: domains as A-labels.

Two contacts of an account may turn out to have the same address. The newer one is merged into the older one: the older
one keeps its values, gets what it did not have, is put on the lists of the newer one, and keeps the later engagements.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from foundation.addresses import address_key

IDENTIFIERS = ("email", "phone_number_id", "external_id", "anonymous_id")
TEXTS = (
    *("first_name", "last_name", "address_line_1", "address_line_2", "city", "state_province_region", "postal_code"),
    *("country", "phone_number", "time_zone", "language"),
)
MOMENTS = ("last_emailed_at", "last_opened_at", "last_clicked_at")

LONGEST_EMAIL = 254

NOT_ASCII = """
select id from campaigns_contact
where octet_length(coalesce(email, '') || array_to_string(alternate_emails, ' '))
    > char_length(coalesce(email, '') || array_to_string(alternate_emails, ' '))
order by id
"""
MOVE_MEMBERSHIPS = """
with added as (
    insert into campaigns_membership (list_id, contact_id, added_at)
    select list_id, %(kept)s, added_at from campaigns_membership where contact_id = %(gone)s
    on conflict do nothing returning list_id
), removed as (
    delete from campaigns_membership where contact_id = %(gone)s returning list_id
)
update campaigns_contactlist l set contact_count = l.contact_count - 1
from removed where l.id = removed.list_id and not exists (select from added where list_id = l.id)
"""
MOVE_ENGAGEMENTS = """
insert into campaigns_engagement (contact_id, campaign_id, kind, at)
select %(kept)s, campaign_id, kind, at from campaigns_engagement where contact_id = %(gone)s
on conflict (contact_id, campaign_id, kind) do update set at = greatest(campaigns_engagement.at, excluded.at)
"""
REMOVE = """
delete from campaigns_engagement where contact_id = %(gone)s;
delete from campaigns_contact where id = %(gone)s;
update campaigns_audience set contacts = contacts - 1 where account_id = %(account)s
"""


def fold_addresses(apps: Any, schema_editor: Any) -> None:
    """Store the canonical forms, and merge contacts that have the same."""
    contacts = apps.get_model("campaigns", "Contact").objects
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(NOT_ASCII)
        found = [contact_id for (contact_id,) in cursor.fetchall()]
    for contact_id in found:
        contact = contacts.filter(pk=contact_id).first()
        if contact is not None:  # not merged into another one
            fold_contact(contacts, contact, schema_editor.connection)


def fold_contact(contacts: Any, contact: Any, connection: Any) -> None:
    key = address_key(contact.email or "")
    if not key or len(key) > LONGEST_EMAIL:
        key = contact.email
    twin = contacts.filter(account_id=contact.account_id, email=key).exclude(pk=contact.pk).first() if key else None
    if twin is not None:
        contact, gone = sorted((contact, twin), key=lambda each: each.pk)
        merge(contact, gone, connection)
    contact.email = key
    contact.alternate_emails = list(dict.fromkeys(map(address_key, contact.alternate_emails)))
    contact.save()


def merge(kept: Any, gone: Any, connection: Any) -> None:
    """Fill in what the kept contact does not have, and remove the other one."""
    for name in (*IDENTIFIERS, *TEXTS, *MOMENTS):
        if not getattr(kept, name):
            setattr(kept, name, getattr(gone, name))
    for name in MOMENTS:
        moments = [moment for each in (kept, gone) if (moment := getattr(each, name))]
        setattr(kept, name, max(moments, default=None))
    kept.custom = {**gone.custom, **kept.custom}
    kept.alternate_emails = kept.alternate_emails or gone.alternate_emails
    with connection.cursor() as cursor:
        for statement in (MOVE_MEMBERSHIPS, MOVE_ENGAGEMENTS, REMOVE):
            cursor.execute(statement, {"kept": kept.pk, "gone": gone.pk, "account": kept.account_id})


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0008_contact_fields"), ("mailer", "0006_addresses")]

    operations = [
        migrations.AlterField(
            model_name="contact",
            name="email",
            field=models.CharField(
                help_text="In its canonical form (`foundation.addresses.address_key`)", max_length=254, null=True
            ),
        ),
        migrations.RunPython(fold_addresses, migrations.RunPython.noop),
    ]
