from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0008_mail_send_at'),
    ]

    operations = [
        migrations.AlterField(
            model_name='counter',
            name='measure',
            field=models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (14, 'subscribed again'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time'), (51, 'opened'), (52, 'messages opened for the first time'), (53, 'links clicked'), (54, 'messages with a link clicked for the first time'), (55, 'opened by machines'), (56, 'links clicked by machines')]),
        ),
        migrations.AlterField(
            model_name='counterdelta',
            name='measure',
            field=models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (14, 'subscribed again'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time'), (51, 'opened'), (52, 'messages opened for the first time'), (53, 'links clicked'), (54, 'messages with a link clicked for the first time'), (55, 'opened by machines'), (56, 'links clicked by machines')]),
        ),
        migrations.AlterField(
            model_name='eventtally',
            name='measure',
            field=models.SmallIntegerField(choices=[(1, 'sent'), (2, 'refused'), (3, 'dropped'), (4, 'stopped'), (5, 'deferred'), (6, 'in doubt'), (7, 'discarded'), (8, 'expired'), (9, 'retained'), (10, 'held'), (11, 'unsubscribed'), (14, 'subscribed again'), (20, 'accepted'), (21, 'refused and on the list of bounces'), (22, 'refused and on the list of blocks'), (23, 'refused and on the list of invalid addresses'), (31, 'dropped because of a bounce'), (32, 'dropped because of a spam report'), (33, 'dropped because of an unsubscribe'), (34, 'dropped because of an invalid address'), (41, 'sent within 1 s of its time'), (42, 'sent within 10 s of its time'), (43, 'sent within 1 min of its time'), (44, 'sent within 10 min of its time'), (45, 'sent more than 10 min after its time'), (51, 'opened'), (52, 'messages opened for the first time'), (53, 'links clicked'), (54, 'messages with a link clicked for the first time'), (55, 'opened by machines'), (56, 'links clicked by machines')]),
        ),
    ]
