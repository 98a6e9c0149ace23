from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0005_log_notices'),
    ]

    operations = [
        migrations.CreateModel(
            name='LateEvent',
            fields=[
                ('pk', models.CompositePrimaryKey('id', 'at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('message_id', models.BigIntegerField()),
                ('account_id', models.BigIntegerField()),
                ('batch_id', models.BigIntegerField()),
                ('kind', models.SmallIntegerField(choices=[(12, 'opened'), (13, 'clicked')])),
                ('recipient', models.SmallIntegerField(help_text='The number of the recipient; null: one of several', null=True)),
                ('is_machine', models.BooleanField(help_text='A scanner, a proxy or another machine did it, and no person')),
                ('is_first', models.BooleanField(help_text='It is the first one of its kind by a person')),
                ('address', models.GenericIPAddressField(help_text='Null: unknown, or the account does not store addresses', null=True)),
                ('user_agent', models.TextField()),
                ('url', models.TextField(null=True)),
                ('link', models.SmallIntegerField(help_text='The number of the link among those of its part', null=True)),
                ('is_html', models.BooleanField(help_text='Whether the link is in the HTML part', null=True)),
            ],
            options={
                'managed': False,
            },
        ),
        # Range-partitioned by day; `mailer/tracking/partitions.py` makes and drops the partitions.
        migrations.RunSQL(
            """
            create sequence mailer_lateevent_id as bigint;
            create table mailer_lateevent (
                id bigint not null default nextval('mailer_lateevent_id'),
                at timestamptz not null,
                message_id bigint not null,
                account_id bigint not null,
                batch_id bigint not null,
                kind smallint not null,
                recipient smallint,
                is_machine boolean not null,
                is_first boolean not null,
                address inet,
                user_agent text not null,
                url text,
                link smallint,
                is_html boolean,
                primary key (id, at)
            ) partition by range (at);
            create index mailer_lateevent_message on mailer_lateevent (message_id);
            create index mailer_lateevent_batch on mailer_lateevent (batch_id) where link is not null;
            """,
            "drop table mailer_lateevent; drop sequence mailer_lateevent_id",
        ),
        migrations.AlterField(
            model_name='counter',
            name='measure',
            field=models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time'), (51, 'opened'), (52, 'messages opened for the first time'), (53, 'links clicked'), (54, 'messages with a link clicked for the first time'), (55, 'opened by machines'), (56, 'links clicked by machines')]),
        ),
        migrations.AlterField(
            model_name='counterdelta',
            name='measure',
            field=models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time'), (51, 'opened'), (52, 'messages opened for the first time'), (53, 'links clicked'), (54, 'messages with a link clicked for the first time'), (55, 'opened by machines'), (56, 'links clicked by machines')]),
        ),
        migrations.AlterField(
            model_name='eventtally',
            name='measure',
            field=models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time'), (51, 'opened'), (52, 'messages opened for the first time'), (53, 'links clicked'), (54, 'messages with a link clicked for the first time'), (55, 'opened by machines'), (56, 'links clicked by machines')]),
        ),
    ]
