from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0010_checks'),
    ]

    operations = [
        # Only refusals and deferrals have it, so that the newest ones of an account are found among those of all.
        migrations.RunSQL(
            """
            alter table mailer_event add column account_id bigint;
            create index mailer_event_failures_of_account on mailer_event (account_id, at)
            where account_id is not null
            """,
            "alter table mailer_event drop column account_id",
        ),
    ]
