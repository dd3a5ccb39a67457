//! Messages that were put aside. They need no runtime: what waits is there without it.

use actix_web::http::Method;

use crate::api::dead_letters::{confirm, discard, list, purge, replay, show};
use crate::http::Access::Session;
use crate::http::Needs::Core;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    let rows = vec![
        route(Method::GET,    "/api/dead-letters",                     "dead_letters.list",    Session, Core, "Lists the messages that were put aside.", list),
        route(Method::POST,   "/api/dead-letters/purge",               "dead_letters.purge",   Session, Core, "Drops what was put aside long ago.", purge),
        route(Method::GET,    "/api/dead-letters/{queue}/{id}",        "dead_letters.show",    Session, Core, "Shows a message that was put aside.", show),
        route(Method::DELETE, "/api/dead-letters/{queue}/{id}",        "dead_letters.drop",    Session, Core, "Drops a message that was put aside.", discard),
        route(Method::POST,   "/api/dead-letters/{queue}/{id}/replay", "dead_letters.replay",  Session, Core, "Sends a message on its way again, as it is or edited.", replay),
        route(Method::POST,   "/api/dead-letters/outbox/{id}/confirm", "dead_letters.confirm", Session, Core, "Notes that an uncertain message was sent.", confirm),
    ];
    rows.into_iter().map(Row::own).collect()
}
