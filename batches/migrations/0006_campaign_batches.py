from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("batches", "0005_hold_and_recall")]
    operations = [
        migrations.AddField(
            model_name="batch",
            name="is_campaign",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Opened by a campaign's launch, and moved only with its campaign",
            ),
        ),
    ]
