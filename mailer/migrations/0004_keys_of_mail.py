from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0003_outcomes'),
    ]

    operations = [
        migrations.AddField(
            model_name='mail',
            name='api_key_id',
            field=models.BigIntegerField(help_text="The key that it was accepted with; null: a campaign's", null=True),
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
    ]
