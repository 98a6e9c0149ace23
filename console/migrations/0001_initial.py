import foundation.clock
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='SignIn',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.SmallIntegerField(choices=[(1, 'signed in'), (2, 'signed out'), (3, 'failed to sign in')])),
                ('username', models.CharField(blank=True, help_text='Empty for a failed attempt with a name that no operator has', max_length=150)),
                ('address', models.CharField(blank=True, help_text='The network address that it came from', max_length=64)),
                ('at', models.DateTimeField(db_default=foundation.clock.Now())),
            ],
            options={
                'indexes': [models.Index(fields=['at'], name='sign_ins_by_time'), models.Index(fields=['username', '-id'], name='sign_ins_of_operator'), models.Index(condition=models.Q(('kind', 3)), fields=['id'], name='failed_sign_ins')],
            },
        ),
    ]
