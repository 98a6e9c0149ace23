import accounts.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_mail_defaults'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='time_zone',
            field=models.CharField(db_default='UTC', default='UTC', help_text='The time zone in which its operators enter and read the times of campaigns', max_length=64, validators=[accounts.models.validate_time_zone]),
        ),
    ]
