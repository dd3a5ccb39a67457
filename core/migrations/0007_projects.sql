-- Projects of the chat page, who may read which attachment, and messages that arrive once.

CREATE TABLE projects (
    project_id  TEXT PRIMARY KEY NOT NULL,
    creator     TEXT NOT NULL,
    title       TEXT NOT NULL,
    emoji       TEXT,
    description TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX projects_by_creator ON projects (creator, updated_at DESC);

-- A session is in one project at most.
CREATE TABLE project_sessions (
    session_id TEXT PRIMARY KEY NOT NULL
        REFERENCES platform_sessions (session_id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects (project_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX project_sessions_by_project ON project_sessions (project_id);

-- An attachment is read by who uploaded it, and by the owners of chats that it was sent in. A reader
-- is the name of a user, or `api_key:` and the id of a key.
CREATE TABLE attachment_readers (
    attachment_id TEXT NOT NULL REFERENCES attachments (attachment_id) ON DELETE CASCADE,
    reader        TEXT NOT NULL,
    PRIMARY KEY (attachment_id, reader)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO attachment_readers (attachment_id, reader)
SELECT attachments.attachment_id, sessions.creator
FROM platform_message_history AS history
JOIN json_tree(history.content) AS part ON part.key = 'attachment_id' AND part.type = 'text'
JOIN attachments ON attachments.attachment_id = part.value
JOIN platform_sessions AS sessions
    ON sessions.session_id = history.user_id AND sessions.platform_id = history.platform_id;
CREATE INDEX attachments_by_name ON attachments (filename, created_at);

-- A message that the bot was to say, and that is not said twice.
ALTER TABLE platform_message_history ADD COLUMN delivery_key TEXT;
CREATE UNIQUE INDEX platform_message_history_by_delivery
    ON platform_message_history (delivery_key) WHERE delivery_key IS NOT NULL;
