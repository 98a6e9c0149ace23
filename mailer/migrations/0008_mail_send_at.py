from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0007_encrypted'),
    ]

    operations = [
        # It is null by default, so no row is rewritten. If the lock is not granted soon, mail continues and the
        # migration is run again.
        migrations.RunSQL("set local lock_timeout = '2s'", migrations.RunSQL.noop),
        migrations.AddField(
            model_name='mail',
            name='send_at',
            field=models.DateTimeField(help_text='The time in its request, for messages that have no other time; null: no time', null=True),
        ),
    ]
