-- Every right of the backup. At the end of each run, rights that are not listed here are revoked.
GRANT USAGE ON SCHEMA public TO mt_backup;
-- Every table: a dump without one fails.
GRANT SELECT ON
  pgmigrations, migration_checksums, seed_runs, bookings, payments, bookings_idempotency_keys, simulated_charges, users, refresh_tokens, password_resets, signing_keys, sign_in_failures, known_networks, security_events, movies, theaters, screenings, catalog_idempotency_keys, roleless_logins
TO mt_backup;
