-- Every right of the catalog service. At the end of each run, rights that are not listed here are revoked.
GRANT USAGE ON SCHEMA public TO mt_catalog;
-- Readiness compares the applied migrations with the ones that the service needs.
GRANT SELECT ON pgmigrations TO mt_catalog;

GRANT SELECT, INSERT, UPDATE, DELETE ON movies, theaters, ticket_types, price_cards, price_lines TO mt_catalog;
-- A plan is never changed. With its theater it is deleted by the foreign key.
GRANT SELECT, INSERT ON seat_plans TO mt_catalog;
-- Bookings count the uses.
GRANT SELECT, INSERT, DELETE,
  UPDATE (code, percent, amount_minor, currency, max_uses, valid_from, valid_until, screening_id, movie_id)
  ON promo_codes TO mt_catalog;
-- A change of `total_seats` changes `available_seats` with it. Bookings take and release seats as mt_bookings.
GRANT SELECT, INSERT, DELETE, 
  UPDATE (theater_id, starts_at, ends_at, price_minor, currency, total_seats, available_seats, status,
    seat_plan_id, price_card_id, taken, blocked, seats_version)
  ON screenings TO mt_catalog;
GRANT SELECT, INSERT, DELETE ON catalog_idempotency_keys TO mt_catalog;
-- Whether a user is active.
GRANT SELECT (id, deleted_at) ON users TO mt_catalog;
