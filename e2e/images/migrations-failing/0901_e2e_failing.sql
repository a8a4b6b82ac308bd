-- Up Migration
alter table no_such_table add column tagline text;

-- Down Migration
select 1;
