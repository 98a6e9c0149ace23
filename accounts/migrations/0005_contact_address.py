import accounts.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0004_reader_addresses'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='email',
            field=models.CharField(blank=True, db_default='', default='', help_text='Notices about the account are mailed to it. Empty: to its parent, or to the first verified sender', max_length=254, validators=[accounts.models.validate_email], verbose_name='contact address'),
        ),
    ]
