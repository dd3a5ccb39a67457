-- Bot configuration: one row per document, one row per save of it.

CREATE TABLE documents (
    name           TEXT PRIMARY KEY NOT NULL,   -- providers, profile:default, plugin:weather ...
    title          TEXT NOT NULL,               -- what people call it; not part of the content
    revision       INTEGER NOT NULL,            -- the latest save
    ready_revision INTEGER                      -- the last save that a bootstrap reached ready with
) STRICT, WITHOUT ROWID;

CREATE TABLE document_revisions (
    name     TEXT NOT NULL REFERENCES documents (name),
    revision INTEGER NOT NULL,
    value    TEXT,                              -- JSON; NULL: deleted by this save
    author   TEXT NOT NULL,
    note     TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (name, revision)
) STRICT, WITHOUT ROWID;
