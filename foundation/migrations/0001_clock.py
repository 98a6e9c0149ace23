from django.db import migrations


class Migration(migrations.Migration):
    """`sluice_now()`: the clock that decides. Volatile, since it moves within a transaction."""

    dependencies = []
    operations = [
        migrations.RunSQL(
            "create function sluice_now() returns timestamptz language sql volatile as 'select clock_timestamp()'",
            "drop function sluice_now()",
        )
    ]
