-- All that the users service may. What is not here is taken from the role at the end of every run.
GRANT USAGE ON SCHEMA public TO mt_users;
-- Readiness compares what was applied with what the service was built for.
GRANT SELECT ON pgmigrations TO mt_users;

-- No DELETE: a deleted account stays as a tombstone.
GRANT SELECT, INSERT, UPDATE ON users TO mt_users;
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens, signing_keys, sign_in_failures TO mt_users;
