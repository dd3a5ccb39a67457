-- Leases are looked for when an owner begins or lets go, and then among what is unfinished: not worth
-- two more changes of an index for each message.
DROP INDEX inbox_leased;
DROP INDEX outbox_leased;
