-- Plugins of others. The row decides: a folder that no row names does not exist.
CREATE TABLE installed_plugins (
    name         TEXT PRIMARY KEY NOT NULL,
    folder       TEXT NOT NULL UNIQUE,
    version      TEXT NOT NULL,
    lane         TEXT NOT NULL,
    digest       TEXT NOT NULL,
    source       TEXT NOT NULL,
    grants       TEXT NOT NULL,
    budgets      TEXT NOT NULL DEFAULT '{}',
    log_level    TEXT,
    installed_at INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;

-- Plugins that were removed together with their data, and whose files may still be there.
CREATE TABLE plugin_leftovers (
    name TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;

-- Which compiled code is good: a digest by the key that it was compiled for.
CREATE TABLE plugin_code (
    key     TEXT PRIMARY KEY NOT NULL,
    digest  BLOB NOT NULL,
    used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
