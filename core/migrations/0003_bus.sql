-- The bus: what was received, and what is to be sent. States and steps are in docs/bus.md.
--
-- `head` marks the one unfinished row of a conversation that may be worked on. The unique index on
-- it is what keeps a conversation to one turn at a time, and it makes finding work cheap however
-- many rows wait behind a head.

-- Whoever holds the latest epoch owns the leases. There is one row.
CREATE TABLE bus_owner (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL
) STRICT;
INSERT INTO bus_owner (id, epoch) VALUES (1, 0);

-- What has been accepted, kept longer than the rows, so that a late repetition is recognised.
CREATE TABLE inbox_keys (
    platform_id         TEXT NOT NULL,
    platform_message_id TEXT NOT NULL,
    inbox_id            INTEGER NOT NULL,
    accepted_at         INTEGER NOT NULL,
    PRIMARY KEY (platform_id, platform_message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_keys_by_age ON inbox_keys (accepted_at);

CREATE TABLE inbox (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    platform_id         TEXT NOT NULL,
    platform_message_id TEXT NOT NULL,
    conversation_key    TEXT NOT NULL,
    payload             TEXT NOT NULL,
    checkpoint          TEXT,
    state               TEXT NOT NULL
        CHECK (state IN ('pending', 'leased', 'done', 'dead', 'dropped')),
    head                INTEGER NOT NULL,
    attempts            INTEGER NOT NULL DEFAULT 0,
    available_at        INTEGER NOT NULL,
    lease_epoch         INTEGER,
    error               TEXT,
    received_at         INTEGER NOT NULL,
    accepted_at         INTEGER NOT NULL,
    finished_at         INTEGER,
    CHECK ((state = 'leased') = (lease_epoch IS NOT NULL)),
    CHECK (state <> 'leased' OR head = 1),
    CHECK (head = 0 OR state IN ('pending', 'leased'))
) STRICT;
CREATE UNIQUE INDEX inbox_head ON inbox (conversation_key) WHERE head = 1;
CREATE INDEX inbox_due ON inbox (available_at, id) WHERE head = 1 AND state = 'pending';
CREATE INDEX inbox_leased ON inbox (lease_epoch) WHERE state = 'leased';
CREATE INDEX inbox_unfinished ON inbox (conversation_key, id) WHERE state IN ('pending', 'leased');
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE state IN ('done', 'dropped');
CREATE INDEX inbox_dead ON inbox (id) WHERE state = 'dead';

CREATE TABLE outbox (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    inbox_id        INTEGER,
    platform_id     TEXT NOT NULL,
    session_key     TEXT NOT NULL,
    idempotency_key TEXT NOT NULL UNIQUE,
    resend_safe     INTEGER NOT NULL,
    payload         TEXT NOT NULL,
    receipt         TEXT,
    state           TEXT NOT NULL
        CHECK (state IN ('pending', 'leased', 'sent', 'uncertain', 'dead', 'dropped')),
    head            INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    available_at    INTEGER NOT NULL,
    lease_epoch     INTEGER,
    error           TEXT,
    created_at      INTEGER NOT NULL,
    finished_at     INTEGER,
    CHECK ((state = 'leased') = (lease_epoch IS NOT NULL)),
    CHECK (state <> 'leased' OR head = 1),
    CHECK (head = 0 OR state IN ('pending', 'leased'))
) STRICT;
CREATE UNIQUE INDEX outbox_head ON outbox (platform_id, session_key) WHERE head = 1;
CREATE INDEX outbox_due ON outbox (platform_id, available_at, id)
    WHERE head = 1 AND state = 'pending';
CREATE INDEX outbox_leased ON outbox (lease_epoch) WHERE state = 'leased';
CREATE INDEX outbox_unfinished ON outbox (platform_id, session_key, id)
    WHERE state IN ('pending', 'leased');
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE state IN ('sent', 'dropped');
CREATE INDEX outbox_uncertain ON outbox (id) WHERE state = 'uncertain';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';
CREATE INDEX outbox_by_inbox ON outbox (inbox_id);

-- How much is unfinished, so that a bound costs one look however much there is.
CREATE TABLE bus_depths (
    queue       TEXT NOT NULL CHECK (queue IN ('inbox', 'outbox')),
    platform_id TEXT NOT NULL,
    unfinished  INTEGER NOT NULL CHECK (unfinished >= 0),
    PRIMARY KEY (queue, platform_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER inbox_row_added AFTER INSERT ON inbox BEGIN
    INSERT INTO bus_depths VALUES ('inbox', NEW.platform_id, 1)
    ON CONFLICT (queue, platform_id) DO UPDATE SET unfinished = unfinished + 1;
END;
CREATE TRIGGER inbox_row_moved AFTER UPDATE OF state ON inbox
WHEN (OLD.state IN ('pending', 'leased')) <> (NEW.state IN ('pending', 'leased')) BEGIN
    UPDATE bus_depths
    SET unfinished = unfinished + iif(NEW.state IN ('pending', 'leased'), 1, -1)
    WHERE queue = 'inbox' AND platform_id = NEW.platform_id;
END;
CREATE TRIGGER outbox_row_added AFTER INSERT ON outbox BEGIN
    INSERT INTO bus_depths VALUES ('outbox', NEW.platform_id, 1)
    ON CONFLICT (queue, platform_id) DO UPDATE SET unfinished = unfinished + 1;
END;
CREATE TRIGGER outbox_row_moved AFTER UPDATE OF state ON outbox
WHEN (OLD.state IN ('pending', 'leased')) <> (NEW.state IN ('pending', 'leased')) BEGIN
    UPDATE bus_depths
    SET unfinished = unfinished + iif(NEW.state IN ('pending', 'leased'), 1, -1)
    WHERE queue = 'outbox' AND platform_id = NEW.platform_id;
END;
