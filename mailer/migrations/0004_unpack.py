from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('mailer', '0003_outcomes'),
    ]

    operations = [
        # The reverse of `mailer/outcomes/packing.py`, for SQL that reads events in sets: the number of each member, in
        # ascending order, with its reply. The text begins with the prefix that the replies share. The rest of each reply
        # follows, unless the replies are equal.
        migrations.RunSQL(
            """
            create function sluice_unpack(members bytea, reply text) returns table (n int, member_reply text)
            language sql immutable parallel safe rows 250 as $$
                select member.n, nullif(packed.prefix || coalesce(member.rest, ''), '')
                from (select split_part(reply, E'\\n', 1) as prefix offset 0) packed
                cross join lateral unnest(
                    array(
                        select bit.n from generate_series(0, 8 * length(members) - 1) as bit(n)
                        where get_bit(members, bit.n) = 1 order by bit.n
                    ),
                    (string_to_array(reply, E'\\n'))[2:]
                ) as member(n, rest)
            $$
            """,
            "drop function sluice_unpack(bytea, text)",
        ),
    ]
