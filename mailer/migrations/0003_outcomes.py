import foundation.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0002_rendering'),
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
            name='CounterDelta',
            fields=[
                ('pk', models.CompositePrimaryKey('series', 'account_id', 'key', 'measure', 'at', 'writer', blank=True, editable=False, primary_key=True, serialize=False)),
                ('series', models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure'), (6, 'domain of a refused recipient')])),
                ('account_id', models.BigIntegerField()),
                ('key', models.TextField(db_collation='C')),
                ('measure', models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time')])),
                ('at', models.DateTimeField(help_text='The minute of the events')),
                ('writer', models.IntegerField(help_text='The process id of the database session')),
                ('n', models.BigIntegerField()),
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
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('pk', models.CompositePrimaryKey('series', 'account_id', 'key', 'span', 'at', 'measure', blank=True, editable=False, primary_key=True, serialize=False)),
                ('series', models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure'), (6, 'domain of a refused recipient')])),
                ('account_id', models.BigIntegerField()),
                ('key', models.TextField(db_collation='C')),
                ('span', models.IntegerField(help_text='In seconds')),
                ('at', models.DateTimeField(help_text='When the span begins')),
                ('measure', models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time')])),
                ('n', models.BigIntegerField()),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('series', 3)), fields=['account_id', 'at'], name='counter_of_categories'), models.Index(fields=['series', 'span', 'at'], name='counters_by_age')],
            },
        ),
        # Every partition gets the columns, too. All of them are null in most rows, which costs no byte. Refusals and
        # deferrals are found by time, and by account and time, in indexes that have no other rows.
        migrations.RunSQL(
            """
            alter table mailer_event add column members bytea, add column recipients smallint,
                add column classification smallint, add column suppression smallint, add column account_id bigint;
            create index mailer_event_failures on mailer_event (at) where kind in (2, 5);
            create index mailer_event_failures_of_account on mailer_event (account_id, at)
            where account_id is not null;
            """,
            """
            drop index mailer_event_failures;
            alter table mailer_event drop column members, drop column recipients, drop column classification,
                drop column suppression, drop column account_id;
            """,
        ),
        # Deltas are updated many times a minute and deleted after it; counters are added to while their span lasts.
        migrations.RunSQL(
            """
            alter table mailer_counterdelta set (fillfactor = 50);
            alter table mailer_counter set (fillfactor = 80);
            """,
            migrations.RunSQL.noop,
        ),
        # The reverse of `mailer/outcomes/packing.py`, for SQL that reads events in sets: the number of each member, in
        # ascending order, with its reply. The text begins with the prefix that the replies share. The rest of each reply
        # follows, unless the replies are equal.
        migrations.RunSQL(
            """
            create function sluice_unpack(members bytea, reply text) returns table (n int, member_reply text)
            language sql immutable parallel safe rows 250 as $$
                select member.n, nullif(packed.prefix || coalesce(member.rest, ''), '')
                from (select split_part(reply, E'\\n', 1) as prefix offset 0) packed
                cross join lateral unnest(
                    array(
                        select bit.n from generate_series(0, 8 * length(members) - 1) as bit(n)
                        where get_bit(members, bit.n) = 1 order by bit.n
                    ),
                    (string_to_array(reply, E'\\n'))[2:]
                ) as member(n, rest)
            $$
            """,
            "drop function sluice_unpack(bytea, text)",
        ),
    ]
