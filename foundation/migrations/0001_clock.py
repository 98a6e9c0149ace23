from django.db import migrations


class Migration(migrations.Migration):
    """Create `sluice_now()`, the clock that decides. It is volatile, since its time moves within a transaction."""

    dependencies = []
    operations = [
        migrations.RunSQL(
            "create function sluice_now() returns timestamptz language sql volatile as 'select clock_timestamp()'",
            "drop function sluice_now()",
        )
    ]
