from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("mailer", "0003_schedule")]
    operations = [
        migrations.AlterField(
            model_name="mail",
            name="public_id",
            field=models.CharField(help_text="The X-Message-Id of the answer", max_length=22),
        ),
        migrations.AddConstraint(
            model_name="mail",
            constraint=models.UniqueConstraint(fields=["public_id"], name="mail_public_id"),
        ),
    ]
