from django.db import migrations, models

import foundation.clock


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0009_refused_domains'),
    ]

    operations = [
        migrations.CreateModel(
            name='CounterCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(help_text="The day of a nightly check; null: an operator's check", null=True, unique=True)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('position', models.BigIntegerField(help_text='The parcel id from which on events are still to be read')),
                ('end', models.BigIntegerField(help_text='The parcel id before which the last slice ends')),
                ('begun_at', models.DateTimeField(db_default=foundation.clock.Now())),
                ('finished_at', models.DateTimeField(null=True)),
                ('differences', models.IntegerField(default=0)),
                ('examples', models.JSONField(default=list, help_text='Sentences about the first differences')),
            ],
        ),
        migrations.CreateModel(
            name='EventTally',
            fields=[
                ('pk', models.CompositePrimaryKey('check_id', 'series', 'account_id', 'key', 'day', 'measure', blank=True, editable=False, primary_key=True, serialize=False)),
                ('check_id', models.BigIntegerField()),
                ('series', models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure'), (6, 'domain of a refused recipient')])),
                ('account_id', models.BigIntegerField()),
                ('key', models.TextField(help_text='Empty for an account: all lanes')),
                ('day', models.DateTimeField()),
                ('measure', models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time')])),
                ('n', models.BigIntegerField()),
            ],
        ),
    ]
