from django.db import migrations, models

PATIENCE = "set local lock_timeout = '2s'"


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0006_late_events'),
    ]

    operations = [
        # Every partition gets the column, too. It is null by default, so no row is rewritten. The lock that it takes
        # keeps all other sessions away from events: if it is not granted soon, mail continues and the migration is run
        # again.
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"{PATIENCE}; alter table mailer_event add column is_encrypted boolean",
                    f"{PATIENCE}; alter table mailer_event drop column is_encrypted",
                ),
            ],
            state_operations=[
                migrations.AddField(
                    model_name='event',
                    name='is_encrypted',
                    field=models.BooleanField(help_text='Whether an attempt to deliver was encrypted; null: unknown, or no attempt', null=True),
                ),
            ],
        ),
    ]
