import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_console'),
        ('batches', '0002_waves'),
    ]

    operations = [
        TrigramExtension(),
        migrations.CreateModel(
            name='NodeMinute',
            fields=[
                ('pk', models.CompositePrimaryKey('node', 'minute', blank=True, editable=False, primary_key=True, serialize=False)),
                ('node', models.CharField(max_length=200)),
                ('minute', models.DateTimeField()),
                ('beats', models.SmallIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='WorkerReport',
            fields=[
                ('worker_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('node', models.CharField(max_length=200)),
                ('at', models.DateTimeField()),
                ('connections', models.SmallIntegerField(default=0, help_text='Open connections')),
                ('connections_used', models.SmallIntegerField(default=0, help_text='Connections on which a message is under way')),
                ('silent_since', models.DateTimeField(help_text='When it began to wait for the peer, if messages were under way', null=True)),
                ('replied_at', models.DateTimeField(help_text='When the peer last accepted or refused a message', null=True)),
                ('reply_p50', models.FloatField(help_text="Seconds until the peer's reply, median of the last minute", null=True)),
                ('reply_p95', models.FloatField(help_text="Seconds until the peer's reply, 95th percentile", null=True)),
                ('slow_batches', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='The ids of the batches that are slow for this process', size=None)),
                ('error', models.TextField(blank=True, help_text='The last failure of a connection, without addresses of recipients')),
                ('error_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddField(
            model_name='batch',
            name='api_key',
            field=models.ForeignKey(db_index=False, help_text="The key that made it or launched its campaign; null: an operator, or the account's default batch", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.apikey'),
        ),
        migrations.AddField(
            model_name='batch',
            name='label',
            field=models.CharField(db_default='', default='', help_text='Its name for people: the title of its campaign, or the first subject of its mail', max_length=120),
        ),
        migrations.AddField(
            model_name='receipt',
            name='ended_before',
            field=models.BigIntegerField(db_default=0, default=0, help_text='How many of the stopped messages had ended before'),
        ),
        migrations.AddField(
            model_name='receipt',
            name='selection',
            field=models.TextField(blank=True, db_default='', default='', help_text='The filters of the messages in words; empty without filters'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.indexes.OpClass('label', name='gin_trgm_ops'), name='batches_by_label'),
        ),
        migrations.AddIndex(
            model_name='batch',
            index=models.Index(condition=models.Q(('api_key__isnull', False)), fields=['api_key'], name='batches_of_key'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['actor', '-id'], name='receipts_of_actor'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['created_at'], name='receipts_by_time'),
        ),
        migrations.AddIndex(
            model_name='nodeminute',
            index=models.Index(fields=['minute'], name='node_minutes_by_age'),
        ),
    ]
