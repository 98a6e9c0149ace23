import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_time_zone'),
        ('campaigns', '0002_design_and_names'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='api_key',
            field=models.ForeignKey(db_index=False, editable=False, help_text='The key that scheduled it last; null: an operator', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.apikey'),
        ),
    ]
