-- Times are epoch milliseconds, ids are UUID text, structured values are JSON text.

CREATE TABLE accounts (
    id            TEXT PRIMARY KEY NOT NULL,
    username      TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE login_sessions (
    id           TEXT PRIMARY KEY NOT NULL,
    account_id   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    token_hash   TEXT NOT NULL UNIQUE,
    user_agent   TEXT NOT NULL,
    address      TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX login_sessions_by_account ON login_sessions (account_id);
CREATE INDEX login_sessions_by_expiry ON login_sessions (expires_at);

CREATE TABLE api_keys (
    key_id       TEXT PRIMARY KEY NOT NULL,
    name         TEXT NOT NULL,
    key_hash     TEXT NOT NULL UNIQUE,
    key_prefix   TEXT NOT NULL,
    scopes       TEXT,              -- JSON list; NULL is every scope
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    expires_at   INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE TABLE preferences (
    scope      TEXT NOT NULL,
    scope_id   TEXT NOT NULL,
    key        TEXT NOT NULL,
    value      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (scope, scope_id, key)
) STRICT, WITHOUT ROWID;

-- What the chat page lists; its visible history is `platform_message_history`.
CREATE TABLE platform_sessions (
    session_id   TEXT PRIMARY KEY NOT NULL,
    platform_id  TEXT NOT NULL,
    creator      TEXT NOT NULL,
    display_name TEXT,
    is_group     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX platform_sessions_by_creator
    ON platform_sessions (creator, updated_at DESC);

CREATE TABLE platform_message_history (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    platform_id       TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    sender_id         TEXT,
    sender_name       TEXT,
    content           TEXT NOT NULL,
    llm_checkpoint_id TEXT,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL
) STRICT;
CREATE INDEX platform_message_history_by_session
    ON platform_message_history (platform_id, user_id, id);

-- What the model sees. Messages are appended, never rewritten.
CREATE TABLE conversations (
    conversation_id TEXT PRIMARY KEY NOT NULL,
    platform_id     TEXT NOT NULL,
    umo             TEXT NOT NULL,
    title           TEXT,
    persona_id      TEXT,
    token_usage     INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_by_umo ON conversations (umo, updated_at DESC);

CREATE TABLE conversation_messages (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL REFERENCES conversations (conversation_id) ON DELETE CASCADE,
    role            TEXT NOT NULL,
    content         TEXT NOT NULL,
    tokens          INTEGER NOT NULL,
    created_at      INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_messages_in_order ON conversation_messages (conversation_id, id);

CREATE TABLE attachments (
    attachment_id TEXT PRIMARY KEY NOT NULL,
    sha256        TEXT NOT NULL,
    kind          TEXT NOT NULL CHECK (kind IN ('image', 'record', 'video', 'file')),
    mime_type     TEXT NOT NULL,
    filename      TEXT NOT NULL,
    size          INTEGER NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX attachments_by_content ON attachments (sha256);

CREATE TABLE platform_stats (
    hour          INTEGER NOT NULL,
    platform_id   TEXT NOT NULL,
    platform_type TEXT NOT NULL,
    count         INTEGER NOT NULL,
    PRIMARY KEY (hour, platform_id, platform_type)
) STRICT, WITHOUT ROWID;

CREATE TABLE provider_stats (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_type          TEXT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN ('completed', 'aborted', 'error')),
    umo                 TEXT NOT NULL,
    conversation_id     TEXT,
    provider_id         TEXT NOT NULL,
    provider_model      TEXT,
    token_input_other   INTEGER NOT NULL,
    token_input_cached  INTEGER NOT NULL,
    token_output        INTEGER NOT NULL,
    start_time          INTEGER NOT NULL,
    end_time            INTEGER NOT NULL,
    time_to_first_token INTEGER
) STRICT;
CREATE INDEX provider_stats_by_time ON provider_stats (start_time);
