CREATE TABLE health (
    hook       BLOB NOT NULL,
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (hook, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX health_expiring ON health (expires);

CREATE TABLE recovery (
    id      BLOB PRIMARY KEY NOT NULL,
    expires INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recovery_expiring ON recovery (expires);

-- Holds all that counting needs, so that a count reads no row. It comes in the place of an index that
-- it begins with: one more would have to be kept with each delivery. No query of version 1 names that.
CREATE INDEX delivery_counted ON delivery (hook, status, accepted, id, expires);
DROP INDEX delivery_of_hook_and_status;
