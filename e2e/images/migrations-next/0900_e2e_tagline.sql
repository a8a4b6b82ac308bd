-- Up Migration
alter table movies add column tagline text;

-- Down Migration
alter table movies drop column tagline;
