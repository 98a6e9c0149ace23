from django.db import migrations


class Migration(migrations.Migration):
    """Messages and events, range-partitioned by message id. `mailer/partitions.py` makes and drops the partitions."""

    dependencies = [("mailer", "0001_initial")]
    operations = [
        migrations.RunSQL(
            """
            create table mailer_message (
                id bigint primary key,
                mail_id bigint not null,
                recipient text not null,
                personal jsonb
            ) partition by range (id);
            create index mailer_message_recipient on mailer_message (recipient);
            create sequence mailer_event_id as bigint;
            create table mailer_event (
                message_id bigint not null,
                id bigint not null default nextval('mailer_event_id'),
                kind smallint not null,
                at timestamptz not null,
                fence bigint not null,
                recipient text,
                reply text,
                primary key (message_id, id)
            ) partition by range (message_id);
            """,
            "drop table mailer_event; drop sequence mailer_event_id; drop table mailer_message",
        )
    ]
