import django.db.models.deletion
import foundation.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_console'),
        ('audience', '0003_console'),
        ('campaigns', '0002_design_and_names'),
        ('mailer', '0004_console'),
    ]

    operations = [
        migrations.CreateModel(
            name='Revocation',
            fields=[
                ('key', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='accounts.apikey')),
                ('actor', models.CharField(help_text='Who asked: a key or an operator', max_length=200)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(db_default=foundation.clock.Now())),
                ('place', models.JSONField(help_text='The step that comes next, such as [step, …]; null: the first', null=True)),
                ('campaigns', models.IntegerField(default=0, help_text='The campaigns that were cancelled')),
                ('batches', models.IntegerField(default=0, help_text='The batches of callers that were cancelled')),
                ('messages', models.BigIntegerField(default=0, help_text="The messages that were stopped in batches that are not the key's")),
                ('stopped', models.BigIntegerField(default=0, help_text='Those of them that have no receipt yet')),
                ('in_doubt', models.BigIntegerField(default=0, help_text='The messages of the same batch that are in doubt')),
                ('settled_at', models.DateTimeField(help_text='When everything that it had scheduled was stopped', null=True)),
                ('finished_at', models.DateTimeField(help_text='When mail of requests that were under way was stopped, too', null=True)),
            ],
        ),
        migrations.AddField(
            model_name='campaign',
            name='api_key',
            field=models.ForeignKey(db_index=False, editable=False, help_text='The key that scheduled it last; null: an operator', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.apikey'),
        ),
        migrations.AddIndex(
            model_name='campaign',
            index=models.Index(condition=models.Q(('status', 6)), fields=['finished_at'], name='failed_campaigns'),
        ),
        migrations.AddIndex(
            model_name='revocation',
            index=models.Index(condition=models.Q(('finished_at', None)), fields=['created_at'], name='revocations_under_way'),
        ),
    ]
