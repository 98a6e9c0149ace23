from django.db import migrations, models

TOTALS = """
insert into mailer_counter (series, account_id, key, span, at, measure, n)
select 7, 0, c.key, s.span, date_bin(make_interval(secs => s.span), c.at, 'epoch'), c.measure, sum(c.n)
from mailer_counter c join (values (60, 60), (60, 300), (3600, 3600), (86400, 86400)) s(of_accounts, span)
    on s.of_accounts = c.span
where c.series = 1
group by 3, 4, 5, 6
"""


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0004_keys_of_mail'),
    ]

    operations = [
        # The totals of the mail that was counted before there were any.
        migrations.RunSQL(TOTALS, "delete from mailer_counter where series = 7"),
        # The accounts with the most refusals of a minute, and those that sent the most mail on a day.
        migrations.AddIndex(
            model_name='counter',
            index=models.Index(fields=['at', '-n'], condition=models.Q(('measure', 2), ('series', 1), ('span', 60)), name='most_refused'),
        ),
        migrations.AddIndex(
            model_name='counter',
            index=models.Index(fields=['at', '-n'], condition=models.Q(('measure', 1), ('series', 1), ('span', 86400)), name='most_sent'),
        ),
    ]
