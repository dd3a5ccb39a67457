## The state of the runtime. The guard answers with these.

runtime-loading = The runtime is still starting. Please try again shortly.
runtime-failed = The runtime failed to start. Check the logs, fix the cause, then retry.
runtime-stopped = The runtime was stopped. Start it from the dashboard or with POST /api/runtime/start.
runtime-stopping = The runtime is stopping. Please try again shortly.
runtime-gone = The runtime went away while this was open. Please connect again shortly.
process-ending = The gateway is shutting down.

## The first start.

setup-needed = No password is set yet. Open the set-up link that the gateway printed when it started.
setup-link-used = This set-up link has been used or is out of date. Restart the gateway for a new one.
setup-done = The account was created.
password-too-short = The password needs at least { $minimum } characters.
password-too-long = The password may have at most { $maximum } characters.
username-invalid = A user name has 1 to 64 characters and no control characters, "!" or ":".

## Log-in.

login-wrong = The user name or the password is wrong.
login-throttled =
    { $seconds ->
        [one] Too many attempts. Try again in one second.
       *[other] Too many attempts. Try again in { $seconds } seconds.
    }
login-required = Please log in.
session-expired = The log-in has expired. Please log in again.
key-invalid = The API key is not valid.
key-expired = The API key has expired.
key-revoked = The API key was revoked.
scope-missing = The API key lacks the scope "{ $scope }".
origin-refused = Requests from this site are not allowed.

## Requests.

not-found = There is nothing at this address.
method-not-allowed = This address does not answer { $method }.
body-invalid = The request body cannot be read: { $reason }
body-too-large = The request body has more than { $limit } bytes.
field-missing = "{ $field }" is missing.
field-invalid = "{ $field }" is not valid: { $reason }
rate-limited =
    { $seconds ->
        [one] Too many requests. Try again in one second.
       *[other] Too many requests. Try again in { $seconds } seconds.
    }
timed-out = The request took too long.
internal-error = Something went wrong. The log has the details under request id { $request }.

## Configuration.

config-conflict = Somebody else saved this in between (revision { $found }, yours is based on { $expected }). Read it again, then repeat the change.
config-invalid = The configuration is not valid: { $problems }
config-missing = There is no configuration "{ $name }".
config-built-in = "{ $name }" cannot be deleted.

## Conversations, personas, session rules, dead letters.

change-saved = Saved.
entry-deleted = Deleted.
conversation-missing = There is no such conversation.
history-too-large = This conversation is too long to be shown whole. Export it instead.
persona-missing = There is no such persona.
persona-taken = There is a persona with this id already.
persona-folder-missing = There is no such folder of personas.
persona-folder-loop = A folder cannot be put into itself or into a folder below it.
session-group-missing = There is no such group of sessions.
letter-missing = There is no such message among those that were put aside.
letter-moved = The message is not in a state that allows this any more. Read it again.
letter-replayed = The message is on its way again.

## Chat.

chat-empty = The message is empty.
chat-session-missing = There is no such chat session.
chat-session-foreign = This chat session belongs to somebody else.
attachment-missing = There is no such upload.
provider-none = No model is available. Add a provider, or enable one.
provider-failed = The model did not answer: { $reason }
answer-cut = This answer was cut off because the gateway ended.
answer-stopped = This answer was stopped.
turn-failed = The message could not be answered. The operator finds the reason in the log.
message-stale = This message waited too long and was not answered. Please send it again.
content-refused = The message has words that are not accepted here.
answer-withheld = The answer is withheld, because it has words that are not accepted here.
bot-busy = Too many messages are waiting. Please try again later.

## Commands in a chat.

command-denied = You may not use { $command }.
command-misused =
    { $problem }
    Usage: { $usage }
command-group =
    { $command } needs one of these:
    { $commands }
argument-missing = "{ $name }" is missing.
argument-wrong = "{ $name }" cannot be "{ $given }".
argument-too-much = "{ $given }" is too much.
option-unknown = There is no option "--{ $name }".
plugin-failed = The plugin "{ $plugin }" failed: { $reason }
plugin-broke = The plugin "{ $plugin }" failed. The log has the details.

## The commands that come with the gateway.

help-list =
    Firstlight { $version }
    { $commands }
help-unknown = There is no command "{ $command }" that you may use here.
session-ids =
    Session: { $session }
    User: { $user }
session-place =
    Platform: { $platform }
    Kind: { $kind }
session-group = Group: { $group }
session-name = This session is called "{ $name }".
session-named = This session is now called "{ $name }".
session-unnamed = This session has no name.
conversation-new = A new conversation begins.
conversation-reset = What was said in this conversation is forgotten.
conversation-none = There is no conversation here yet.
answer-ended = Stopped.
conversation-tokens =
    Tokens of this conversation: { $total }
    Read: { $input }, from a cache: { $cached }, written: { $output }
provider-list =
    Models:
    { $providers }
    Choose one by its number or its id.
provider-chosen = This session now asks "{ $provider }".
provider-unknown = There is no usable model "{ $provider }".
variable-set = The variable "{ $name }" is set.
variable-unset = The variable "{ $name }" is forgotten.
variable-unknown = There is no variable "{ $name }".
mention-prompt = Somebody called you without saying anything else. Ask in one short, friendly sentence what they would like.

## Installing plugins.

plugin-for-other-versions = { $reason }. You can install it all the same.
plugin-asks = { $plugin } asks to be allowed: { $capabilities }. Choose what you grant it, then install it.
plugin-asks-for-more = { $plugin } asks for more than it is allowed: { $capabilities }.
plugin-updated = { $plugin } is now at version { $version }.
plugin-proxy-ignored = The proxy that was sent was not used: the gateway's own settings decide.
