-- Files that messages of platforms referred to are kept for a time: nobody deletes them, unlike what
-- was uploaded to the web chat, which lives as long as its chat. In epoch milliseconds.
ALTER TABLE attachments ADD COLUMN expires_at INTEGER;
CREATE INDEX attachments_by_expiry ON attachments (expires_at) WHERE expires_at IS NOT NULL;
