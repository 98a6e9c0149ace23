from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0003_console'),
    ]

    operations = [
        migrations.CreateModel(
            name='LatePlace',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.BigIntegerField()),
            ],
        ),
        migrations.RunSQL("insert into campaigns_lateplace (place) values (0)", migrations.RunSQL.noop),
    ]
