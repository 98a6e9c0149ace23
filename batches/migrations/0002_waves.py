from django.db import migrations, models

# The condition under which a parcel waits for its first try, and the messages that it counts then.
COMING = "{row}.state = 0 and {row}.attempts = 0"
MESSAGES = """case when {row}.is_remainder then 0 else {row}.size
    - {row}.sent - {row}.refused - {row}.dropped - {row}.stopped - {row}.in_doubt - {row}.moved end"""
OLD, NEW, PARCEL = ({"coming": COMING.format(row=row), "messages": MESSAGES.format(row=row)} for row in ("old", "new", "p"))

# A row trigger whose condition is checked before its function is called: a parcel that is due, claimed or recorded
# costs next to nothing. A trigger of whole statements would copy every row that they change.
TRIGGERS = f"""
create function batches_note_wave() returns trigger language plpgsql as $$
begin
    if tg_op = 'UPDATE' and {OLD["coming"]} and {NEW["coming"]}
        and date_trunc('minute', old.due_at) = date_trunc('minute', new.due_at)
    then
        insert into batches_wavedelta (batch_id, minute, messages, parcels)
        select new.batch_id, date_trunc('minute', new.due_at), d.messages, 0
        from (select ({NEW["messages"]}) - ({OLD["messages"]}) as messages) d where d.messages <> 0;
        return null;
    end if;
    if tg_op <> 'INSERT' and {OLD["coming"]} then
        insert into batches_wavedelta (batch_id, minute, messages, parcels)
        values (old.batch_id, date_trunc('minute', old.due_at), - ({OLD["messages"]}), -1);
    end if;
    if tg_op <> 'DELETE' and {NEW["coming"]} then
        insert into batches_wavedelta (batch_id, minute, messages, parcels)
        values (new.batch_id, date_trunc('minute', new.due_at), {NEW["messages"]}, 1);
    end if;
    return null;
end $$;

create trigger wave_of_new_parcel after insert on batches_parcel
for each row when ({NEW["coming"]}) execute function batches_note_wave();

create trigger wave_of_parcel
after update of state, attempts, due_at, size, is_remainder, sent, refused, dropped, stopped, in_doubt, moved
on batches_parcel
for each row when (({OLD["coming"]}) or ({NEW["coming"]})) execute function batches_note_wave();

create trigger wave_of_deleted_parcel after delete on batches_parcel
for each row when ({OLD["coming"]}) execute function batches_note_wave();

insert into batches_wavecount (batch_id, minute, messages, parcels)
select p.batch_id, date_trunc('minute', p.due_at), sum({PARCEL["messages"]}), count(*)
from batches_parcel p where {PARCEL["coming"]} group by 1, 2;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('batches', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='WaveCount',
            fields=[
                ('pk', models.CompositePrimaryKey('batch_id', 'minute', blank=True, editable=False, primary_key=True, serialize=False)),
                ('batch_id', models.BigIntegerField()),
                ('minute', models.DateTimeField()),
                ('messages', models.BigIntegerField()),
                ('parcels', models.BigIntegerField()),
            ],
            options={
                'indexes': [
                    models.Index(fields=['minute', 'batch_id'], name='waves_by_minute'),
                    models.Index(condition=models.Q(('messages', 0), ('parcels', 0)), fields=['batch_id'], name='waves_that_are_over'),
                ],
            },
        ),
        migrations.CreateModel(
            name='WaveDelta',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('batch_id', models.BigIntegerField()),
                ('minute', models.DateTimeField()),
                ('messages', models.IntegerField()),
                ('parcels', models.IntegerField()),
            ],
        ),
        migrations.RunSQL(
            TRIGGERS,
            """
            drop trigger wave_of_new_parcel on batches_parcel;
            drop trigger wave_of_parcel on batches_parcel;
            drop trigger wave_of_deleted_parcel on batches_parcel;
            drop function batches_note_wave;
            """,
        ),
    ]
