-- Moments are milliseconds since 1970, ids are UUIDs of 16 bytes, `body` is JSON as `hooks` writes it.

CREATE TABLE hook (
    id         BLOB PRIMARY KEY NOT NULL,
    workspace  TEXT NOT NULL,
    source     TEXT NOT NULL,
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
CREATE INDEX hook_of_workspace ON hook (workspace, id);
CREATE INDEX hook_of_shelf ON hook (workspace, source);

-- Kept when the last hook leaves, for a version never goes back.
CREATE TABLE shelf (
    workspace TEXT NOT NULL,
    source    TEXT NOT NULL,
    version   INTEGER NOT NULL,
    PRIMARY KEY (workspace, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE published (
    source TEXT NOT NULL,
    event  TEXT NOT NULL,
    spec   TEXT NOT NULL,
    PRIMARY KEY (source, event)
) STRICT;

CREATE TABLE token (
    id   BLOB PRIMARY KEY NOT NULL,
    hash TEXT UNIQUE NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE gate (
    hook       BLOB NOT NULL,
    generation INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    version    INTEGER NOT NULL,
    expires    INTEGER,
    memory     TEXT NOT NULL,
    PRIMARY KEY (hook, generation, digest)
) STRICT;
CREATE INDEX gate_expiring ON gate (expires) WHERE expires IS NOT NULL;

CREATE TABLE claim (
    workspace TEXT NOT NULL,
    source    TEXT NOT NULL,
    key       TEXT NOT NULL,
    owner     BLOB NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (workspace, source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_ending ON claim (until);

-- `data` comes last, so that lists, which leave it out, never read its pages.
CREATE TABLE delivery (
    number     INTEGER PRIMARY KEY,
    id         BLOB UNIQUE NOT NULL,
    hook       BLOB NOT NULL,
    generation INTEGER NOT NULL,
    accepted   INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    attempt    INTEGER NOT NULL,
    status     TEXT NOT NULL,
    state      TEXT NOT NULL,
    updated    INTEGER NOT NULL,
    expires    INTEGER NOT NULL,
    event      TEXT NOT NULL,
    data       TEXT NOT NULL
) STRICT;
CREATE INDEX delivery_of_hook ON delivery (hook, accepted, id);
CREATE INDEX delivery_of_hook_and_status ON delivery (hook, status, accepted, id);
CREATE INDEX delivery_expiring ON delivery (expires);

-- Keyed by the delivery's number, which grows: attempts are appended, wherever their ids would sort.
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    run      INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (delivery, run, attempt)
) STRICT, WITHOUT ROWID;

-- Bodies stand apart, so that handing a task out rewrites a few bytes and not the body.
CREATE TABLE task (
    id       INTEGER PRIMARY KEY,
    queue    TEXT NOT NULL,
    leased   INTEGER NOT NULL,
    turn     TEXT NOT NULL,
    due      INTEGER NOT NULL,
    receives INTEGER NOT NULL,
    sent     INTEGER NOT NULL
) STRICT;
CREATE INDEX task_due ON task (queue, due) WHERE leased = 0;
CREATE INDEX task_of_turn ON task (queue, leased, turn, due);

CREATE TABLE task_body (
    id   INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE dead_letter (
    id       INTEGER PRIMARY KEY,
    queue    TEXT NOT NULL,
    turn     TEXT NOT NULL,
    receives INTEGER NOT NULL,
    sent     INTEGER NOT NULL,
    buried   INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT;
