from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0005_ended_before'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['actor', '-id'], name='receipts_of_actor'),
        ),
        migrations.AddIndex(
            model_name='receipt',
            index=models.Index(fields=['created_at'], name='receipts_by_time'),
        ),
    ]
