//! The `OpenAPI` document, made from the table and the types of its handlers.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::describe::Operation;
use super::error::Code;
use super::row::{Access, Row, Scope};
use super::table::Table;

/// The whole document.
pub fn document(table: &Table) -> Value {
    let mut schemas = SchemaSettings::openapi3().into_generator();
    let mut paths = Map::new();
    for (path, rows) in table.paths() {
        let operations = rows
            .into_iter()
            .map(|row| (row.method.as_str().to_ascii_lowercase(), operation(row, &mut schemas)));
        paths.insert(template(path), Value::Object(operations.collect()));
    }
    let mut components = schemas.take_definitions(true);
    components.insert("Error".to_owned(), error());
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Firstlight",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The HTTP interface of the Firstlight gateway. `x-needs` tells in which \
                states of the runtime a route is served, `x-access` who may call it.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "tags": tags(table),
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "session": { "type": "http", "scheme": "bearer" },
                "cookie": { "type": "apiKey", "in": "cookie", "name": crate::auth::COOKIE },
                "key": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

fn operation(row: &Row, schemas: &mut SchemaGenerator) -> Value {
    let mut operation = Operation {
        schemas,
        parameters: path_parameters(row.path),
        body: None,
        answers: Map::new(),
    };
    (row.describe)(&mut operation);
    let Operation { parameters, body, mut answers, .. } = operation;
    let envelope = json!({ "schema": { "$ref": "#/components/schemas/Error" } });
    answers.insert(
        "default".to_owned(),
        json!({ "description": "An error.", "content": { "application/json": envelope } }),
    );
    let mut described = json!({
        "operationId": row.name,
        "tags": [row.tag()],
        "summary": row.about,
        "security": security(row.access),
        "x-access": access(row.access),
        "x-needs": row.needs.name(),
        "responses": answers,
    });
    if let Some(members) = described.as_object_mut() {
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), Value::Array(parameters));
        }
        if let Some(body) = body {
            members.insert("requestBody".to_owned(), body);
        }
    }
    described
}

fn error() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "type": "object",
        "required": ["status", "code", "message", "data"],
        "properties": {
            "status": { "type": "string", "enum": ["error"] },
            "code": { "type": "string", "enum": codes },
            "message": { "type": "string" },
            "data": { "nullable": true },
            "request_id": { "type": "string" },
        },
    })
}

fn tags(table: &Table) -> Vec<Value> {
    let mut names: Vec<&str> = table.rows().iter().map(Row::tag).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

/// The path as `OpenAPI` writes it: without the patterns of its parameters.
pub(super) fn template(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.split_once(':') {
        Some((name, _)) if name.starts_with('{') => format!("{name}}}"),
        _ => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|segment| segment.strip_prefix('{'));
    let names = names.map(|name| name.split([':', '}']).next().unwrap_or(name));
    let described = names.map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    described.collect()
}

/// Who may call, in one word, or the scope that a key needs.
pub(super) fn access(access: Access) -> String {
    let scoped = |scope: Scope| scope.name().map_or_else(String::new, |name| format!("({name})"));
    match access {
        Access::Public => "public".to_owned(),
        Access::Token => "token".to_owned(),
        Access::Session => "session".to_owned(),
        Access::Key(scope) => format!("key{}", scoped(scope)),
        Access::SessionOrKey(scope) => format!("session or key{}", scoped(scope)),
    }
}

fn security(access: Access) -> Value {
    let session = || [json!({ "session": [] }), json!({ "cookie": [] })];
    match access {
        Access::Public | Access::Token => json!([]),
        Access::Session => json!(session()),
        Access::Key(_) => json!([{ "key": [] }]),
        Access::SessionOrKey(_) => {
            let [token, cookie] = session();
            json!([token, cookie, { "key": [] }])
        }
    }
}
