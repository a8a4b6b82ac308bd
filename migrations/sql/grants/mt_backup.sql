-- Every right of the backup. At the end of each run, rights that are not listed here are revoked.
GRANT USAGE ON SCHEMA public TO mt_backup;
-- Every table and sequence: a dump that may not read one fails. The schema public may have tables of others.
GRANT SELECT ON
  pgmigrations, migration_checksums, roleless_logins, seed_runs,
  users, refresh_tokens, password_resets, signing_keys, sign_in_failures, known_networks, security_events,
  movies, theaters, screenings, catalog_idempotency_keys,
  seat_plans, ticket_types, price_cards, price_lines, promo_codes,
  bookings, tickets, payments, bookings_idempotency_keys, simulated_charges
TO mt_backup;
GRANT SELECT ON SEQUENCE
  pgmigrations_id_seq, users_id_seq, refresh_tokens_id_seq, security_events_id_seq,
  movies_id_seq, theaters_id_seq, screenings_id_seq, bookings_id_seq, payments_id_seq,
  seat_plans_id_seq, ticket_types_id_seq, price_cards_id_seq, promo_codes_id_seq
TO mt_backup;
