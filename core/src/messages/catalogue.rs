//! One variant for each sentence.

use std::borrow::Cow;

use fluent_bundle::{FluentArgs, FluentValue};

use super::bundle::sentence;
use super::language::Language;

/// Declares the messages: variant, arguments, key in the `.ftl` files.
macro_rules! messages {
    ($($(#[$meta:meta])* $name:ident $({ $($arg:ident: $type:ty),* })? = $key:literal;)*) => {
        /// Something that the gateway says to people.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the arguments are named as in the sentences")]
        pub enum Message { $($(#[$meta])* $name $({ $($arg: $type),* })?,)* }

        impl Message {
            /// Its key in the files of sentences; stable.
            pub const fn key(&self) -> &'static str {
                match self { $(Self::$name $({ $($arg: _),* })? => $key,)* }
            }

            /// The sentence.
            pub fn text(&self, language: Language) -> Cow<'static, str> {
                let args: Vec<(&str, FluentValue<'_>)> = match self {
                    $(Self::$name $({ $($arg),* })? => vec![
                        $($((stringify!($arg), FluentValue::from($arg.clone()))),*)?
                    ],)*
                };
                let args: FluentArgs<'_> = args.into_iter().collect();
                sentence(language, self.key(), &args)
            }

            /// One of each, for tests.
            #[cfg(test)]
            fn samples() -> Vec<(Self, Vec<&'static str>)> {
                vec![$((
                    Self::$name $({ $($arg: <$type>::default()),* })?,
                    vec![$($(stringify!($arg)),*)?],
                )),*]
            }
        }
    };
}

messages! {
    /// A guarded row, while the runtime starts.
    RuntimeLoading = "runtime-loading";
    /// A guarded row, after a failed start.
    RuntimeFailed = "runtime-failed";
    /// A guarded row, after a stop.
    RuntimeStopped = "runtime-stopped";
    /// A guarded row, while the runtime stops.
    RuntimeStopping = "runtime-stopping";
    /// The end of a socket or stream whose runtime went away.
    RuntimeGone = "runtime-gone";
    /// The end of a socket or stream when the process ends.
    ProcessEnding = "process-ending";

    /// There is no account yet.
    SetupNeeded = "setup-needed";
    /// The one-time link was used before.
    SetupLinkUsed = "setup-link-used";
    /// The first account exists now.
    SetupDone = "setup-done";
    /// A new password is too short.
    PasswordTooShort { minimum: usize } = "password-too-short";
    /// A new password is too long.
    PasswordTooLong { maximum: usize } = "password-too-long";
    /// A user name has the wrong form.
    UsernameInvalid = "username-invalid";

    /// User name or password; it is not said which.
    LoginWrong = "login-wrong";
    /// Too many failed log-ins.
    LoginThrottled { seconds: u64 } = "login-throttled";
    /// Nothing was sent that proves who calls.
    LoginRequired = "login-required";
    /// A log-in session that is over.
    SessionExpired = "session-expired";
    /// An API key that nobody made.
    KeyInvalid = "key-invalid";
    /// An API key past its time.
    KeyExpired = "key-expired";
    /// An API key that was taken back.
    KeyRevoked = "key-revoked";
    /// An API key that may not do this.
    ScopeMissing { scope: String } = "scope-missing";
    /// Another site's page calls.
    OriginRefused = "origin-refused";

    /// No row has this path.
    NotFound = "not-found";
    /// The path has rows, but not for this method.
    MethodNotAllowed { method: String } = "method-not-allowed";
    /// The body is not what the row takes.
    BodyInvalid { reason: String } = "body-invalid";
    /// The body is too large.
    BodyTooLarge { limit: usize } = "body-too-large";
    /// A parameter is absent.
    FieldMissing { field: String } = "field-missing";
    /// A parameter is wrong.
    FieldInvalid { field: String, reason: String } = "field-invalid";
    /// Too many requests.
    RateLimited { seconds: u64 } = "rate-limited";
    /// The request passed its deadline.
    TimedOut = "timed-out";
    /// A bug.
    InternalError { request: String } = "internal-error";

    /// A save that lost the race.
    ConfigConflict { expected: i64, found: i64 } = "config-conflict";
    /// A save that does not fit.
    ConfigInvalid { problems: String } = "config-invalid";
    /// A document that is not there.
    ConfigMissing { name: String } = "config-missing";
    /// A document that must stay.
    ConfigBuiltIn { name: String } = "config-built-in";

    /// A change that was saved.
    ChangeSaved = "change-saved";
    /// Something that was deleted.
    EntryDeleted = "entry-deleted";
    /// A conversation that is not there.
    ConversationMissing = "conversation-missing";
    /// A history that is too large to be shown.
    HistoryTooLarge = "history-too-large";
    /// A persona that is not there.
    PersonaMissing = "persona-missing";
    /// A persona of that id is there already.
    PersonaTaken = "persona-taken";
    /// A folder of personas that is not there.
    PersonaFolderMissing = "persona-folder-missing";
    /// A folder was to be put into itself.
    PersonaFolderLoop = "persona-folder-loop";
    /// A group of sessions that is not there.
    SessionGroupMissing = "session-group-missing";
    /// A dead letter that is not there, or not any more.
    LetterMissing = "letter-missing";
    /// A dead letter that somebody else moved in between.
    LetterMoved = "letter-moved";
    /// A dead letter is on its way again.
    LetterReplayed = "letter-replayed";

    /// Nothing was said.
    ChatEmpty = "chat-empty";
    /// A chat session that is not there.
    ChatSessionMissing = "chat-session-missing";
    /// A chat session of another user.
    ChatSessionForeign = "chat-session-foreign";
    /// An upload that is not there.
    AttachmentMissing = "attachment-missing";
    /// No provider is loaded.
    ProviderNone = "provider-none";
    /// The provider did not answer.
    ProviderFailed { reason: String } = "provider-failed";
    /// Marks an answer that a crash or a shutdown ended.
    AnswerCut = "answer-cut";
    /// Marks an answer that somebody stopped.
    AnswerStopped = "answer-stopped";
    /// A turn failed for a reason that only the operator can do something about.
    TurnFailed = "turn-failed";
    /// A message waited so long for its turn that it is not answered.
    MessageStale = "message-stale";
    /// A message has words that the profile does not want to hear.
    ContentRefused = "content-refused";
    /// An answer has words that the profile does not want to be said.
    AnswerWithheld = "answer-withheld";
    /// The queue of the platform is full.
    BotBusy = "bot-busy";

    /// A command of somebody who may not use it.
    CommandDenied { command: String } = "command-denied";
    /// A command that was given something else than it takes.
    CommandMisused { problem: String, usage: String } = "command-misused";
    /// A group of commands, without one of them.
    CommandGroup { command: String, commands: String } = "command-group";
    /// An argument that must be given.
    ArgumentMissing { name: String } = "argument-missing";
    /// An argument that is of another kind.
    ArgumentWrong { name: String, given: String } = "argument-wrong";
    /// A word too many.
    ArgumentTooMuch { given: String } = "argument-too-much";
    /// An option that the command does not have.
    OptionUnknown { name: String } = "option-unknown";
    /// A plugin says why it failed.
    PluginFailed { plugin: String, reason: String } = "plugin-failed";
    /// A plugin failed without a word.
    PluginBroke { plugin: String } = "plugin-broke";

    /// `/help`.
    HelpList { version: String, commands: String } = "help-list";
    /// `/help` about a command that is not there.
    HelpUnknown { command: String } = "help-unknown";
    /// `/sid`: whose session it is.
    SessionIds { session: String, user: String } = "session-ids";
    /// `/sid`: where it is.
    SessionPlace { platform: String, kind: String } = "session-place";
    /// `/sid`: the group.
    SessionGroup { group: String } = "session-group";
    /// `/name` without a name.
    SessionName { name: String } = "session-name";
    /// `/name` with a name.
    SessionNamed { name: String } = "session-named";
    /// The session has no name, or has none any more.
    SessionUnnamed = "session-unnamed";
    /// `/new`.
    ConversationNew = "conversation-new";
    /// `/reset`.
    ConversationReset = "conversation-reset";
    /// `/reset` and `/stats` where nothing was said yet.
    ConversationNone = "conversation-none";
    /// `/stop`.
    AnswerEnded = "answer-ended";
    /// `/stats`.
    ConversationTokens { total: u64, input: u64, cached: u64, output: u64 } =
        "conversation-tokens";
    /// `/provider`.
    ProviderList { providers: String } = "provider-list";
    /// `/provider` with one.
    ProviderChosen { provider: String } = "provider-chosen";
    /// `/provider` with one that is not there.
    ProviderUnknown { provider: String } = "provider-unknown";
    /// `/set`.
    VariableSet { name: String } = "variable-set";
    /// `/unset`.
    VariableUnset { name: String } = "variable-unset";
    /// `/unset` of one that is not set.
    VariableUnknown { name: String } = "variable-unknown";
    /// A package for other versions of Firstlight.
    PluginForOtherVersions { reason: String } = "plugin-for-other-versions";
    /// A package that asks for what nobody has allowed yet.
    PluginAsks { plugin: String, capabilities: String } = "plugin-asks";
    /// An update that asks for more than before.
    PluginAsksForMore { plugin: String, capabilities: String } = "plugin-asks-for-more";
    /// An update.
    PluginUpdated { plugin: String, version: String } = "plugin-updated";
    /// A proxy that was sent along.
    PluginProxyIgnored = "plugin-proxy-ignored";
    /// What a model is told when somebody only mentioned the bot.
    MentionPrompt = "mention-prompt";
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use fluent_bundle::FluentResource;

    use super::super::bundle::{CHINESE, ENGLISH};
    use super::*;

    /// Keys of a file with the variables of each, read strictly.
    fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        let resource = FluentResource::try_new(source.to_owned()).unwrap();
        assert_eq!(resource.source(), source);
        let mut found = BTreeMap::new();
        let mut key = String::new();
        for line in source.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                key = name.to_owned();
                assert!(
                    found.insert(key.clone(), BTreeSet::new()).is_none(),
                    "{key} is there twice"
                );
            }
            let variables = line.split('$').skip(1).map(|rest| {
                rest.chars().take_while(|letter| letter.is_alphanumeric()).collect::<String>()
            });
            found.entry(key.clone()).or_default().extend(variables);
        }
        found.remove("");
        found
    }

    #[test]
    fn both_files_and_the_enum_have_the_same_keys_and_arguments() {
        let declared: BTreeMap<String, BTreeSet<String>> = Message::samples()
            .into_iter()
            .map(|(message, args)| {
                (message.key().to_owned(), args.into_iter().map(str::to_owned).collect())
            })
            .collect();
        assert_eq!(declared.len(), Message::samples().len(), "a key is used twice");
        assert_eq!(keys(ENGLISH), declared);
        assert_eq!(keys(CHINESE), declared);
    }

    #[test]
    fn every_message_resolves_in_every_language() {
        for (message, _) in Message::samples() {
            for language in Language::ALL {
                let text = message.text(language);
                assert_ne!(text, message.key());
                assert!(!text.contains(['{', '}', '$']), "{text}");
            }
            assert_ne!(message.text(Language::English), message.text(Language::Chinese));
        }
    }

    #[test]
    fn numbers_choose_the_right_form() {
        let text = |seconds| Message::LoginThrottled { seconds }.text(Language::English);
        assert_eq!(text(1), "Too many attempts. Try again in one second.");
        assert_eq!(text(30), "Too many attempts. Try again in 30 seconds.");
        let scope = Message::ScopeMissing { scope: "chat".into() };
        assert_eq!(scope.text(Language::Chinese), "API 密钥缺少权限“chat”。");
    }
}
