-- All that the catalog service may. What is not here is taken from the role at the end of every run.
GRANT USAGE ON SCHEMA public TO mt_catalog;
-- Readiness compares what was applied with what the service was built for.
GRANT SELECT ON pgmigrations TO mt_catalog;

GRANT SELECT, INSERT, UPDATE, DELETE ON movies, theaters TO mt_catalog;
-- `available_seats` moves by mt_bookings alone.
GRANT SELECT, INSERT, DELETE, UPDATE (starts_at, ends_at, price_minor, currency, status) ON screenings TO mt_catalog;
GRANT SELECT, INSERT, DELETE ON catalog_idempotency_keys TO mt_catalog;
-- Whether an account still stands.
GRANT SELECT (id, deleted_at) ON users TO mt_catalog;
