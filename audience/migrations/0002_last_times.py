import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audience', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='LastTimes',
            fields=[
                ('contact', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='last_times', serialize=False, to='audience.contact')),
                ('last_emailed_at', models.DateTimeField(null=True)),
                ('last_opened_at', models.DateTimeField(null=True)),
                ('last_clicked_at', models.DateTimeField(null=True)),
            ],
            options={
                'db_table': 'campaigns_lasttimes',
            },
        ),
        # Campaigns change the rows of neighbours together: half of each page is free for their next versions.
        migrations.RunSQL('alter table campaigns_lasttimes set (fillfactor = 50)', migrations.RunSQL.noop),
        migrations.RemoveIndex(
            model_name='engagement',
            name='engagements_of_campaign',
        ),
        migrations.RemoveField(
            model_name='contact',
            name='last_clicked_at',
        ),
        migrations.RemoveField(
            model_name='contact',
            name='last_emailed_at',
        ),
        migrations.RemoveField(
            model_name='contact',
            name='last_opened_at',
        ),
        migrations.AlterField(
            model_name='engagement',
            name='kind',
            field=models.SmallIntegerField(choices=[(1, 'delivered'), (2, 'opened'), (3, 'clicked'), (4, 'bounced'), (5, 'unsubscribed'), (6, 'reported spam'), (7, 'blocked'), (8, 'dropped')]),
        ),
        migrations.AddIndex(
            model_name='engagement',
            index=models.Index(condition=models.Q(('kind__in', (2, 3))), fields=['campaign_id', 'kind', 'at'], name='counted_engagements'),
        ),
        migrations.AlterField(
            model_name='job',
            name='kind',
            field=models.CharField(choices=[('upsert', 'upsert'), ('import', 'import'), ('delete', 'delete'), ('export', 'export'), ('events', 'export of events')], max_length=6),
        ),
    ]
