//! Personas and their folders.

use actix_web::http::Method;

use crate::api::personas::{characters, folders};
use crate::http::Access::Session;
use crate::http::Needs::Runtime;
use crate::http::{Row, route};

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Row> {
    vec![
        route(Method::GET,  "/api/persona/list",          "persona.list",          Session, Runtime, "Lists the personas.", characters::list),
        route(Method::POST, "/api/persona/detail",        "persona.detail",        Session, Runtime, "Reads a persona.", characters::detail),
        route(Method::POST, "/api/persona/create",        "persona.create",        Session, Runtime, "Makes a persona.", characters::create),
        route(Method::POST, "/api/persona/update",        "persona.update",        Session, Runtime, "Changes a persona.", characters::update),
        route(Method::POST, "/api/persona/delete",        "persona.delete",        Session, Runtime, "Deletes a persona.", characters::delete),
        route(Method::POST, "/api/persona/clone",         "persona.clone",         Session, Runtime, "Copies a persona.", characters::copy),
        route(Method::POST, "/api/persona/move",          "persona.move",          Session, Runtime, "Moves a persona to a folder.", characters::move_to),
        route(Method::POST, "/api/persona/reorder",       "persona.reorder",       Session, Runtime, "Gives personas and folders their places.", folders::reorder),
        route(Method::GET,  "/api/persona/folder/list",   "persona.folders",       Session, Runtime, "Lists the folders in a folder.", folders::list),
        route(Method::GET,  "/api/persona/folder/tree",   "persona.folder_tree",   Session, Runtime, "Shows all folders as a tree.", folders::tree),
        route(Method::POST, "/api/persona/folder/detail", "persona.folder",        Session, Runtime, "Reads a folder.", folders::detail),
        route(Method::POST, "/api/persona/folder/create", "persona.create_folder", Session, Runtime, "Makes a folder.", folders::create),
        route(Method::POST, "/api/persona/folder/update", "persona.update_folder", Session, Runtime, "Changes a folder.", folders::update),
        route(Method::POST, "/api/persona/folder/delete", "persona.delete_folder", Session, Runtime, "Deletes a folder; what is in it moves up.", folders::delete),
    ]
}
