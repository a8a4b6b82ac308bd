-- Every right of the seed. At the end of each run, rights that are not listed here are revoked.
GRANT USAGE ON SCHEMA public TO mt_seed;
GRANT SELECT ON pgmigrations TO mt_seed;
GRANT SELECT, INSERT ON seed_runs, movies, theaters, seat_plans, screenings, users TO mt_seed;
GRANT UPDATE (seat_plan_id) ON theaters TO mt_seed;
