//! API keys.

use actix_web::http::Method;

use crate::api::apikey;
use crate::http::Access::Session;
use crate::http::Needs::Core;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/apikey/list",   "apikey.list",   Session, Core, "Lists the API keys.", apikey::list),
        route(Method::POST, "/api/apikey/create", "apikey.create", Session, Core, "Makes an API key and shows it once.", apikey::create),
        route(Method::POST, "/api/apikey/revoke", "apikey.revoke", Session, Core, "Revokes an API key.", apikey::revoke),
        route(Method::POST, "/api/apikey/delete", "apikey.delete", Session, Core, "Deletes an API key.", apikey::delete),
    ]
}
