from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0006_categories'),
    ]

    operations = [
        # Refusals and deferrals by time. Rows of sent mail, nearly all there are, are not in it. Partitions that are
        # attached later get it as well.
        migrations.RunSQL(
            "create index mailer_event_failures on mailer_event (at) where kind in (2, 5)",
            "drop index mailer_event_failures",
        ),
    ]
