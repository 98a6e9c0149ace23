from django.db import migrations


def install(apps, schema_editor):
    """Beat's one duty, so that the sweeper runs without anyone clicking. It expires instead of piling up."""
    IntervalSchedule = apps.get_model("django_celery_beat", "IntervalSchedule")
    PeriodicTask = apps.get_model("django_celery_beat", "PeriodicTask")
    every_second, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.get_or_create(
        name="sweep",
        defaults={
            "task": "mailer.tasks.sweep",
            "interval": every_second,
            "queue": "maintenance",
            "expire_seconds": 2,
            "description": "Plans, admits, rescues, settles, prunes. Do not switch off.",
        },
    )


def first_partitions(apps, schema_editor):
    from mailer.partitions import ensure_partitions

    ensure_partitions(0)


def remove(apps, schema_editor):
    apps.get_model("django_celery_beat", "PeriodicTask").objects.filter(name="sweep").delete()


class Migration(migrations.Migration):
    dependencies = [("mailer", "0002_partitioned"), ("django_celery_beat", "0019_alter_periodictasks_options")]
    operations = [
        migrations.RunPython(install, remove),
        migrations.RunPython(first_partitions, migrations.RunPython.noop),
    ]
