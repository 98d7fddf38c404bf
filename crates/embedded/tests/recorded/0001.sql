-- A database as the first release leaves it behind when it is killed with a task in hand.
-- Every later release must read it: this file is never edited.

PRAGMA application_id = 1165379691;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE attempt (
    delivery INTEGER NOT NULL,
    run      INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (delivery, run, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO attempt VALUES (1,0,1,'{"run":0,"attempt":1,"at":1795255200000,"took_ms":12,"request":"POST https://example.com/","status":200,"answer":"ok"}');
INSERT INTO attempt VALUES (1,0,2,'{"run":0,"attempt":2,"at":1795255200000,"took_ms":12,"request":"POST https://example.com/","status":200,"answer":"ok"}');
CREATE TABLE claim (
    workspace TEXT NOT NULL,
    source    TEXT NOT NULL,
    key       TEXT NOT NULL,
    owner     BLOB NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (workspace, source, key)
) STRICT, WITHOUT ROWID;
INSERT INTO claim VALUES ('default','crud','{"id":"mine"}',X'019AA5E27A8070008000000000000001',1795341600000);
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
INSERT INTO dead_letter VALUES (3,'events','default',1,1795255200000,1795255200000,'not a task','{"v":1,"task":"dispatch","events":[{"id":"019aa5e2-7a80-7000-8000-000000000001","accepted":1795255200000,"request":"019aa5e2-7a80-7000-8000-000000000002","index":0,"workspace":"default","source":"crud","event":"consumers","data":{"operation":"create","schema":"consumers","entity":{"id":"5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10","username":"alice"}},"key":{"id":"mine"},"pid":7}]}');
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
INSERT INTO delivery VALUES (1,X'DC9027A0598B546192F005F455D578AC',X'11111111111141118111111111111111',77,1795255200000,0,2,'delivered','{"status":"delivered"}',1795255200000,1795256200000,'{"id":"019aa5e2-7a80-7000-8000-000000000001","accepted":1795255200000,"request":"019aa5e2-7a80-7000-8000-000000000002","index":0,"workspace":"default","source":"crud","event":"consumers","data":{},"key":{"id":"mine"},"pid":7}','{"operation":"create","schema":"consumers","entity":{"id":"5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10","username":"alice"}}');
CREATE TABLE gate (
    hook       BLOB NOT NULL,
    generation INTEGER NOT NULL,
    digest     BLOB NOT NULL,
    version    INTEGER NOT NULL,
    expires    INTEGER,
    memory     TEXT NOT NULL,
    PRIMARY KEY (hook, generation, digest)
) STRICT;
INSERT INTO gate VALUES (X'11111111111141118111111111111111',77,X'DC80615924B07C3CBF56F064B5F823A4',1,1795255300000,'{"said":"a71b907b0aa17a266b65ec8edca16eac","latest":{"accepted":1795255200000,"request":"01a1fd8c-6900-75c6-88cb-580be840d19a","index":0},"fired":[[null,1795255200000]],"passed":"AaH9jGkAdg61Rz8aVsK5Qw"}');
CREATE TABLE hook (
    id         BLOB PRIMARY KEY NOT NULL,
    workspace  TEXT NOT NULL,
    source     TEXT NOT NULL,
    generation INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    body       TEXT NOT NULL
) STRICT;
INSERT INTO hook VALUES (X'11111111111141118111111111111111','team-a','crud',77,3,'{"id":"11111111-1111-4111-8111-111111111111","generation":77,"version":3,"workspace":"team-a","created_at":1795255200000,"updated_at":1795255200000,"source":"crud","event":"consumers","handler":"webhook","config":{"url":"https://example.com/in","headers":{"x-one":"1"},"signing":{"secret":"new","replaced":[{"secret":"old","until":1795341600000}]},"ssl_verify":true},"on_change":true,"snooze":60,"group_by":["ip"]}');
INSERT INTO hook VALUES (X'22222222222242228222222222222222','default','crud',78,1,'{"id":"22222222-2222-4222-8222-222222222222","generation":78,"version":1,"workspace":"default","created_at":1795255200000,"updated_at":1795255200000,"source":"crud","event":"consumers","handler":"log","config":{},"on_change":null,"snooze":null}');
CREATE TABLE published (
    source TEXT NOT NULL,
    event  TEXT NOT NULL,
    spec   TEXT NOT NULL,
    PRIMARY KEY (source, event)
) STRICT;
INSERT INTO published VALUES ('my-plugin','my-event','{"fields":["a","b"]}');
CREATE TABLE shelf (
    workspace TEXT NOT NULL,
    source    TEXT NOT NULL,
    version   INTEGER NOT NULL,
    PRIMARY KEY (workspace, source)
) STRICT, WITHOUT ROWID;
INSERT INTO shelf VALUES ('default','crud',1);
INSERT INTO shelf VALUES ('team-a','crud',1);
CREATE TABLE task (
    id       INTEGER PRIMARY KEY,
    queue    TEXT NOT NULL,
    leased   INTEGER NOT NULL,
    turn     TEXT NOT NULL,
    due      INTEGER NOT NULL,
    receives INTEGER NOT NULL,
    sent     INTEGER NOT NULL
) STRICT;
INSERT INTO task VALUES (1,'events',1,'default',1795255200000,1,1795255200000);
INSERT INTO task VALUES (2,'retries',0,'11111111-1111-4111-8111-111111111111',1795255205000,0,1795255200000);
CREATE TABLE task_body (
    id   INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;
INSERT INTO task_body VALUES (1,'{"v":1,"task":"dispatch","events":[{"id":"019aa5e2-7a80-7000-8000-000000000001","accepted":1795255200000,"request":"019aa5e2-7a80-7000-8000-000000000002","index":0,"workspace":"default","source":"crud","event":"consumers","data":{"operation":"create","schema":"consumers","entity":{"id":"5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10","username":"alice"}},"key":{"id":"mine"},"pid":7}]}');
INSERT INTO task_body VALUES (2,'{"v":1,"task":"retry","delivery":{"hook":"11111111-1111-4111-8111-111111111111","generation":77,"run":0,"event":{"id":"019aa5e2-7a80-7000-8000-000000000001","accepted":1795255200000,"request":"019aa5e2-7a80-7000-8000-000000000002","index":0,"workspace":"default","source":"crud","event":"consumers","data":{"operation":"create","schema":"consumers","entity":{"id":"5d2bb5c1-0a0a-4d7b-a2c2-3c1d2a1f7b10","username":"alice"}},"key":{"id":"mine"},"pid":7}},"attempt":2,"due":1795255205000}');
CREATE TABLE token (
    id   BLOB PRIMARY KEY NOT NULL,
    hash TEXT UNIQUE NOT NULL,
    body TEXT NOT NULL
) STRICT;
INSERT INTO token VALUES (X'33333333333343338333333333333333','baaf53622a51d975235f276287bdc1b64aa4640c77142cbca076877d9eac6815','{"id":"33333333-3333-4333-8333-333333333333","name":"a token","hash":"baaf53622a51d975235f276287bdc1b64aa4640c77142cbca076877d9eac6815","role":"admin","workspaces":[],"created_at":1795255200000}');
CREATE INDEX hook_of_workspace ON hook (workspace, id);
CREATE INDEX hook_of_shelf ON hook (workspace, source);
CREATE INDEX gate_expiring ON gate (expires) WHERE expires IS NOT NULL;
CREATE INDEX claim_ending ON claim (until);
CREATE INDEX delivery_of_hook ON delivery (hook, accepted, id);
CREATE INDEX delivery_of_hook_and_status ON delivery (hook, status, accepted, id);
CREATE INDEX delivery_expiring ON delivery (expires);
CREATE INDEX task_due ON task (queue, due) WHERE leased = 0;
CREATE INDEX task_of_turn ON task (queue, leased, turn, due);
COMMIT;
