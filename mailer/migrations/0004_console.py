import django.db.models.deletion
import foundation.clock
from django.db import migrations, models


TOTALS = """
insert into mailer_counter (series, account_id, key, span, at, measure, n)
select 7, 0, c.key, s.span, date_bin(make_interval(secs => s.span), c.at, 'epoch'), c.measure, sum(c.n)
from mailer_counter c join (values (60, 60), (60, 300), (3600, 3600), (86400, 86400)) s(of_accounts, span)
    on s.of_accounts = c.span
where c.series = 1
group by 3, 4, 5, 6
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_console'),
        ('batches', '0003_console'),
        ('mailer', '0003_outcomes'),
    ]

    operations = [
        # The totals of the mail that was counted before there were any.
        migrations.RunSQL(TOTALS, "delete from mailer_counter where series = 7"),
        migrations.CreateModel(
            name='BulkAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filters', models.JSONField(help_text="The other filters, as parameters of the list's address")),
                ('action', models.CharField(choices=[('pause', 'pause'), ('cancel', 'cancel'), ('resume', 'resume'), ('freeze', 'freeze'), ('thaw', 'thaw'), ('purge', 'purge'), ('reschedule', 'reschedule'), ('replay', 'replay'), ('drop', 'drop')], max_length=10)),
                ('send_at', models.DateTimeField(help_text='The new time of a reschedule', null=True)),
                ('actor', models.CharField(help_text='The operator who confirmed it', max_length=200)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('expected', models.BigIntegerField(help_text='How many messages matched when it was confirmed')),
                ('is_exact', models.BooleanField(help_text='False: there were more messages')),
                ('created_at', models.DateTimeField(db_default=foundation.clock.Now())),
                ('before', models.BigIntegerField(help_text='Messages with lower ids were not looked at yet')),
                ('leased_until', models.DateTimeField(help_text='Until this time a process works on it', null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('ended_by', models.CharField(blank=True, help_text='Who ended it early', max_length=200)),
                ('affected', models.BigIntegerField(default=0, help_text='The number of messages that it changed')),
                ('in_doubt', models.BigIntegerField(default=0, help_text='The number of messages that it stopped, but that may have been sent before')),
                ('not_changed', models.BigIntegerField(default=0, help_text='The number of messages that it could not change')),
                ('receipts', models.JSONField(default=dict, help_text="The id of its receipt for each account, by the account's id")),
            ],
        ),
        migrations.AddField(
            model_name='mail',
            name='api_key_id',
            field=models.BigIntegerField(help_text="The key with which it was accepted; null: mail of a campaign", null=True),
        ),
        migrations.AlterField(
            model_name='counter',
            name='series',
            field=models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure'), (6, 'domain of a refused recipient'), (7, 'all accounts')]),
        ),
        migrations.AlterField(
            model_name='counterdelta',
            name='series',
            field=models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure'), (6, 'domain of a refused recipient'), (7, 'all accounts')]),
        ),
        migrations.AlterField(
            model_name='eventtally',
            name='series',
            field=models.SmallIntegerField(choices=[(1, 'account'), (2, 'batch'), (3, 'category'), (4, 'provider group'), (5, 'failure'), (6, 'domain of a refused recipient'), (7, 'all accounts')]),
        ),
        migrations.AddIndex(
            model_name='counter',
            index=models.Index(condition=models.Q(('measure', 2), ('series', 1), ('span', 60)), fields=['at', '-n'], name='most_refused'),
        ),
        migrations.AddIndex(
            model_name='counter',
            index=models.Index(condition=models.Q(('measure', 1), ('series', 1), ('span', 86400)), fields=['at', '-n'], name='most_sent'),
        ),
        migrations.AddField(
            model_name='bulkaction',
            name='account',
            field=models.ForeignKey(db_index=False, help_text='Null: all accounts', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.account'),
        ),
        migrations.AddField(
            model_name='bulkaction',
            name='batch',
            field=models.ForeignKey(db_index=False, help_text='Null: all batches', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='batches.batch'),
        ),
        migrations.AddIndex(
            model_name='bulkaction',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['id'], name='unfinished_bulk_actions'),
        ),
    ]
