from django.db import migrations


class Migration(migrations.Migration):
    """What Django's models cannot say: the fence numbers, room for HOT updates, and the one installation row."""

    dependencies = [("batches", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "create sequence batches_fence as bigint; "
            "alter table batches_parcel set (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, "
            "autovacuum_vacuum_threshold = 1000); "
            "alter table batches_worker set (fillfactor = 50); "
            "alter table batches_node set (fillfactor = 50); "
            "insert into batches_installation (id) values (1)",
            "drop sequence batches_fence",
        )
    ]
