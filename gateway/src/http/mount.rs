//! The only file that registers anything with actix.
//!
//! Rows are put into scopes by their static prefix (actix scans resources in order, so one flat
//! list of hundreds would cost every request), one resource per path (actix does not try a second
//! one), static segments before dynamic ones (so that the order of rows means nothing).

#![expect(clippy::disallowed_methods, reason = "the one home of route registration")]

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderMap, HeaderValue};
use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, Resource, Route, guard, web};

use super::error::{ApiError, Code, Rendering};
use super::guard::Guard;
use super::language;
use super::row::Row;
use super::table::Table;
use super::{headers, request_id};
use crate::app::App;

const API: &str = "/api";

/// Mounts the whole table.
pub fn mount(cfg: &mut ServiceConfig, table: &'static Table, app: &Arc<App>) {
    cfg.app_data(web::Data::from(Arc::clone(app)));
    for (prefix, mut paths) in scopes(table) {
        paths.sort_by_key(|(path, _)| order(path));
        if prefix.is_empty() {
            for (path, rows) in paths {
                cfg.service(resource(path, &rows, app));
            }
            continue;
        }
        let scope = paths.into_iter().fold(web::scope(prefix), |scope, (path, rows)| {
            scope.service(resource(path.get(prefix.len()..).unwrap_or_default(), &rows, app))
        });
        cfg.service(scope.default_service(fallback(app, None)));
    }
    cfg.default_service(fallback(app, None));
}

type Paths = Vec<(&'static str, Vec<&'static Row>)>;

/// The paths by static prefix, longer prefixes first; the ones without a prefix come last.
fn scopes(table: &'static Table) -> Vec<(&'static str, Paths)> {
    let mut scopes: BTreeMap<(Reverse<usize>, &'static str), Paths> = BTreeMap::new();
    // Always there, else a page that answers every path would answer for unknown API paths too.
    scopes.insert((Reverse(API.len()), API), Paths::new());
    for (path, rows) in table.paths() {
        let prefix = prefix(path);
        scopes.entry((Reverse(prefix.len()), prefix)).or_default().push((path, rows));
    }
    scopes.into_iter().map(|((_, prefix), paths)| (prefix, paths)).collect()
}

/// `/api/<domain>`, or `/api/v1/<domain>`, as far as it holds no parameter; nothing elsewhere.
fn prefix(path: &'static str) -> &'static str {
    if !path.starts_with("/api/") {
        return "";
    }
    let depth = if path.starts_with("/api/v1/") { 3 } else { 2 };
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let prefixes = ends.take(depth).filter_map(|end| path.get(..end));
    prefixes.take_while(|prefix| !prefix.contains('{')).last().unwrap_or(API)
}

/// Sorts static segments before parameters, and parameters before tails.
fn order(path: &str) -> Vec<(u8, &str)> {
    path.split('/')
        .map(|segment| match segment.strip_prefix('{') {
            Some(inside) if inside.contains(':') => (2, segment),
            Some(_) => (1, segment),
            None => (0, segment),
        })
        .collect()
}

fn resource(path: &str, rows: &[&'static Row], app: &Arc<App>) -> Resource {
    let allowed = allowed(rows);
    rows.iter()
        .fold(web::resource(path.to_owned()), |resource, row| {
            let route = (row.attach)(methods(row));
            resource.route(route.wrap(Guard::new(row, Arc::clone(app))))
        })
        .default_service(fallback(app, allowed))
}

/// A GET row answers HEAD as well.
fn methods(row: &Row) -> Route {
    if row.method == Method::GET {
        Route::new().guard(guard::Any(guard::Get()).or(guard::Head()))
    } else {
        Route::new().guard(guard::Method(row.method.clone()))
    }
}

/// What `Allow` says, and what a preflight is told.
fn allowed(rows: &[&Row]) -> Option<HeaderValue> {
    let mut methods = Vec::new();
    for row in rows {
        methods.push(row.method.as_str());
        if row.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.push("OPTIONS");
    HeaderValue::from_str(&methods.join(", ")).ok()
}

/// Answers what no row answers: OPTIONS and wrong methods of a known path, and unknown paths. The
/// same for every caller and in every state.
fn fallback(app: &Arc<App>, allowed: Option<HeaderValue>) -> Route {
    let app = Arc::clone(app);
    Route::new().to(move |req: actix_web::HttpRequest| {
        let response = unrouted(&app, req.method(), req.headers(), allowed.as_ref());
        std::future::ready(response)
    })
}

fn unrouted(
    app: &App,
    method: &Method,
    request: &HeaderMap,
    allowed: Option<&HeaderValue>,
) -> HttpResponse {
    let id = request_id::next();
    let render = |error: ApiError| {
        error.render(Rendering {
            language: language::wanted(request),
            request_id: Some(id.as_str()),
            contract: false,
            data_never_null: true,
        })
    };
    let mut response = match allowed {
        None => render(ApiError::new(Code::RouteUnknown)),
        Some(_) if method == Method::OPTIONS => HttpResponse::NoContent().finish(),
        Some(_) => render(ApiError::new(Code::MethodNotAllowed)),
    };
    headers::add_defaults(response.headers_mut(), id.as_str());
    if let Some(allowed) = allowed {
        response.headers_mut().insert(ALLOW, allowed.clone());
    }
    match allowed.filter(|_| method == Method::OPTIONS) {
        Some(allowed) => app.origins.announce_methods(request, allowed, response.headers_mut()),
        None => app.origins.announce(request, response.headers_mut()),
    }
    if method == Method::HEAD {
        response = response.set_body(()).map_into_boxed_body();
    }
    response
}
