from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_console'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='keeps_reader_addresses',
            field=models.BooleanField(db_default=True, default=True, help_text='The network addresses of people who open its mail or click a link are stored as long as the history', verbose_name='addresses of readers are stored'),
        ),
    ]
