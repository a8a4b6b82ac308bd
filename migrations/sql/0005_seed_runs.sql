-- The seeds that were loaded: each is loaded once.

-- Up Migration
CREATE TABLE seed_runs (
  mode      text PRIMARY KEY,
  seeded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Down Migration
DROP TABLE seed_runs;
