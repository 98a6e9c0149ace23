from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_contact_address'),
        ('events', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='endpoint',
            name='notified_at',
            field=models.DateTimeField(help_text='When its owner was last mailed that Sluice has disabled it', null=True),
        ),
        migrations.AddIndex(
            model_name='endpoint',
            index=models.Index(condition=models.Q(('failing_since__isnull', False)), fields=['failing_since'], name='failing_endpoints'),
        ),
        migrations.AddIndex(
            model_name='endpoint',
            index=models.Index(condition=models.Q(('disabled_at__isnull', False)), fields=['disabled_at'], name='disabled_endpoints'),
        ),
        migrations.AddIndex(
            model_name='lane',
            index=models.Index(condition=models.Q(('failing_since__isnull', False)), fields=['failing_since'], name='failing_lanes'),
        ),
    ]
