//! Stages 2 and 3, access list and session status: whether the session is served at all.
//!
//! An empty list serves everybody, as in the contract (reference 7.1 S11): the switch is on by
//! default, so an empty list that served nobody would make a new gateway deaf. Once there is one
//! entry, only what is listed is served. The start of the log says which of the two it is.

use firstlight_core::model::{MessageEvent, MessageKind, Role};

use super::answer::TurnEnd;
use super::passage::Passage;

pub(super) fn list(passage: &mut Passage<'_>) {
    if passage.is_built_in() || is_listed(passage) {
        return;
    }
    if passage.scope.profile.platform_settings.id_whitelist_log {
        let session = passage.event.session.to_string();
        tracing::info!(session, "a message of a session that is not on the access list");
    }
    passage.end_unheard();
}

fn is_listed(passage: &Passage<'_>) -> bool {
    let settings = &passage.scope.profile.platform_settings;
    let event = &passage.event;
    if !settings.enable_id_white_list || settings.id_whitelist.is_empty() {
        return true;
    }
    let admins_pass = match event.session.kind() {
        MessageKind::Group => settings.wl_ignore_admin_on_group,
        MessageKind::Friend => settings.wl_ignore_admin_on_friend,
        MessageKind::Other => false,
    };
    (admins_pass && event.role == Role::Admin) || names(&settings.id_whitelist, event)
}

fn names(list: &[String], event: &MessageEvent) -> bool {
    let (session, address) = (event.session.to_string(), event.reply_to().to_string());
    let group = event.group.as_ref().map_or("", |group| group.group_id.as_str());
    list.iter()
        .map(|entry| entry.trim())
        .any(|entry| entry == session || entry == address || (!group.is_empty() && entry == group))
}

/// The operator may have switched the session off.
pub(super) fn session_status(passage: &mut Passage<'_>) {
    if passage.scope.rule.service.session_enabled == Some(false) {
        passage.end_unheard();
    }
}

impl Passage<'_> {
    /// Ends without a word: what a refused sender would be told, they would be told each time.
    fn end_unheard(&mut self) {
        self.said.clear();
        self.end(TurnEnd::Ignored);
    }
}
