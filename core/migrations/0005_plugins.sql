-- What plugins keep and wait for, and how the operator set their commands.

CREATE TABLE plugin_values (
    plugin     TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;

-- How much each plugin keeps, so that a bound costs one look however much there is.
CREATE TABLE plugin_usage (
    plugin TEXT PRIMARY KEY NOT NULL,
    keys   INTEGER NOT NULL,
    bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER plugin_value_added AFTER INSERT ON plugin_values BEGIN
    INSERT INTO plugin_usage VALUES (NEW.plugin, 1, length(NEW.value))
    ON CONFLICT (plugin) DO UPDATE SET keys = keys + 1, bytes = bytes + length(NEW.value);
END;
CREATE TRIGGER plugin_value_changed AFTER UPDATE OF value ON plugin_values BEGIN
    UPDATE plugin_usage SET bytes = bytes + length(NEW.value) - length(OLD.value)
    WHERE plugin = NEW.plugin;
END;
CREATE TRIGGER plugin_value_removed AFTER DELETE ON plugin_values BEGIN
    UPDATE plugin_usage SET keys = keys - 1, bytes = bytes - length(OLD.value)
    WHERE plugin = OLD.plugin;
END;

-- `due_at` is when a timer is due, `next_at` when it is tried: later, after a failure.
CREATE TABLE plugin_timers (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin   TEXT NOT NULL,
    name     TEXT NOT NULL,
    payload  TEXT NOT NULL,
    every    INTEGER,
    due_at   INTEGER NOT NULL,
    next_at  INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    UNIQUE (plugin, name)
) STRICT;
CREATE INDEX plugin_timers_next ON plugin_timers (next_at);

-- A wait that was answered stays for a while: the turn of the message that answered it may be
-- begun again after a crash.
CREATE TABLE plugin_waits (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    plugin      TEXT NOT NULL,
    name        TEXT NOT NULL,
    session     TEXT NOT NULL,
    reply_to    TEXT NOT NULL,
    sender      TEXT,
    asked_by    TEXT,
    payload     TEXT NOT NULL,
    expires_at  INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    answered_by TEXT,
    answered_at INTEGER,
    CHECK ((answered_by IS NULL) = (answered_at IS NULL))
) STRICT;
CREATE INDEX plugin_waits_of ON plugin_waits (plugin, session);
CREATE INDEX plugin_waits_next ON plugin_waits (next_at) WHERE answered_by IS NULL;
CREATE INDEX plugin_waits_answered ON plugin_waits (answered_at) WHERE answered_by IS NOT NULL;

-- What the operator changed about a command; NULL is as its plugin says.
CREATE TABLE command_settings (
    plugin     TEXT NOT NULL,
    handler    TEXT NOT NULL,
    enabled    INTEGER NOT NULL DEFAULT 1,
    word       TEXT,
    aliases    TEXT,
    permission TEXT CHECK (permission IN ('admin', 'member')),
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (plugin, handler)
) STRICT, WITHOUT ROWID;

CREATE INDEX provider_stats_by_conversation ON provider_stats (conversation_id)
    WHERE conversation_id IS NOT NULL;
