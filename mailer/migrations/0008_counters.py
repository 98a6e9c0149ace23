from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0007_failures'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='counter',
            index=models.Index(fields=['series', 'span', 'at'], name='counters_by_age'),
        ),
        # A counter is added to many times while its span lasts.
        migrations.RunSQL(
            "alter table mailer_counter set (fillfactor = 80)", "alter table mailer_counter reset (fillfactor)"
        ),
    ]
