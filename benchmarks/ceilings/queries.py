"""Define the SQL of the ceilings."""

MAKE_ROWS = """
create table bench_message (id bigint primary key, mail_id bigint not null, recipient text not null, personal text)
"""
"""A table like messages, without the parts that only Sluice needs (partitions, an index by recipient, checked JSON)."""

COPY_ROWS = "copy bench_message (id, mail_id, recipient, personal) from stdin"

MAKE_COMMITS = "create table bench_commit (id bigint generated always as identity primary key, note text not null)"

COMMIT_ONE = "insert into bench_commit (note) values ('one message')"

DROP_COMMITS = "drop table if exists bench_commit"
