from django.db import migrations, models

import foundation.clock


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_choices'),
    ]

    operations = [
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.BinaryField(help_text='SHA-256 of method, path and key', max_length=32)),
                ('body_digest', models.BinaryField(help_text='SHA-256 of the body', max_length=32)),
                ('reserved_at', models.DateTimeField(db_default=foundation.clock.Now())),
                ('status', models.SmallIntegerField(help_text='Of the answer; null: under way', null=True)),
                ('headers', models.JSONField(default=dict)),
                ('body', models.TextField(blank=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=models.deletion.CASCADE, related_name='+', to='accounts.account')),
            ],
            options={
                'indexes': [models.Index(fields=['reserved_at'], name='keys_by_age')],
                'constraints': [models.UniqueConstraint(fields=('account', 'digest'), name='one_request_to_a_key')],
            },
        ),
    ]
