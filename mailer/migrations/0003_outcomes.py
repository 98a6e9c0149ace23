from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0002_rendering'),
    ]

    operations = [
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('pk', models.CompositePrimaryKey('series', 'account_id', 'key', 'span', 'at', 'measure', blank=True, editable=False, primary_key=True, serialize=False)),
                ('series', models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure')])),
                ('account_id', models.BigIntegerField()),
                ('key', models.TextField()),
                ('span', models.IntegerField(help_text='In seconds')),
                ('at', models.DateTimeField(help_text='When the span begins')),
                ('measure', models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time')])),
                ('n', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='CounterDelta',
            fields=[
                ('pk', models.CompositePrimaryKey('series', 'account_id', 'key', 'measure', 'at', 'writer', blank=True, editable=False, primary_key=True, serialize=False)),
                ('series', models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure')])),
                ('account_id', models.BigIntegerField()),
                ('key', models.TextField()),
                ('measure', models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time')])),
                ('at', models.DateTimeField(help_text='The minute of the events')),
                ('writer', models.IntegerField(help_text='The process id of the database session')),
                ('n', models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='OutcomeNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('batch_id', models.BigIntegerField()),
                ('base', models.BigIntegerField()),
                ('fence', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
        ),
        # Every partition gets the columns, too. All of them are null in most rows, which costs no byte.
        migrations.RunSQL(
            """
            alter table mailer_event add column members bytea, add column recipients smallint,
                add column classification smallint, add column suppression smallint;
            -- Rows that are updated many times a minute, and deleted after it.
            alter table mailer_counterdelta set (fillfactor = 50);
            """,
            """
            alter table mailer_event drop column members, drop column recipients, drop column classification,
                drop column suppression
            """,
        ),
    ]
