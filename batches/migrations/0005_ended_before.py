from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0004_selections_of_receipts'),
    ]

    operations = [
        migrations.AddField(
            model_name='receipt',
            name='ended_before',
            field=models.BigIntegerField(db_default=0, default=0, help_text='Of the stopped: had ended before a pause, a cancel or a freeze'),
        ),
    ]
