-- Personas, and what lists of conversations, session rules and dead letters are read by.

CREATE TABLE persona_folders (
    folder_id   TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    parent_id   TEXT REFERENCES persona_folders (folder_id),   -- NULL: at the top
    description TEXT,
    sort_order  INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX persona_folders_by_parent ON persona_folders (parent_id, sort_order);

CREATE TABLE personas (
    persona_id           TEXT PRIMARY KEY NOT NULL,
    system_prompt        TEXT NOT NULL,
    begin_dialogs        TEXT NOT NULL,   -- JSON list of lines, the user's and the bot's in turn
    tools                TEXT,            -- JSON list; NULL is every tool
    skills               TEXT,            -- JSON list; NULL is every skill
    custom_error_message TEXT,
    folder_id            TEXT REFERENCES persona_folders (folder_id),   -- NULL: at the top
    sort_order           INTEGER NOT NULL,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    CHECK (json_array_length(begin_dialogs) % 2 = 0)
) STRICT;
CREATE INDEX personas_by_folder ON personas (folder_id, sort_order);

-- The second part of a session key, which is what lists are filtered by.
ALTER TABLE conversations ADD COLUMN message_type TEXT AS (
    substr(umo, instr(umo, ':') + 1, instr(substr(umo, instr(umo, ':') + 1), ':') - 1)
) VIRTUAL;
CREATE INDEX conversations_listed ON conversations (created_at, platform_id, message_type);
CREATE INDEX conversations_by_platform
    ON conversations (platform_id, created_at, message_type);

-- Session rules are few among what is kept by session.
CREATE INDEX preferences_rules ON preferences (scope_id) WHERE scope = 'umo' AND key IN (
    'session_service_config', 'session_plugin_config', 'kb_config',
    'provider_perf_chat_completion', 'provider_perf_speech_to_text',
    'provider_perf_text_to_speech');

-- Why and when a message was put aside, and when the operator last sent it on its way again.
ALTER TABLE inbox ADD COLUMN reason TEXT;
ALTER TABLE inbox ADD COLUMN put_aside_at INTEGER;
ALTER TABLE inbox ADD COLUMN replayed_at INTEGER;
ALTER TABLE outbox ADD COLUMN reason TEXT;
ALTER TABLE outbox ADD COLUMN put_aside_at INTEGER;
ALTER TABLE outbox ADD COLUMN replayed_at INTEGER;
