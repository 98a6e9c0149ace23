import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0004_console'),
    ]

    operations = [
        migrations.CreateModel(
            name='LogNotice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('account_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
                ('is_late', models.BooleanField(db_default=False, help_text='The n-th fence is the id of a late event')),
                ('bases', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ('fences', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
            ],
        ),
    ]
