//! The files of the embedded page.

use std::borrow::Cow;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use crate::assets::asset;
use crate::http::headers::PAGE_POLICY;
use crate::http::{ApiError, Code};

/// `GET /`, `/favicon.svg`, `/assets/…`
pub async fn file(http: HttpRequest) -> Result<HttpResponse, ApiError> {
    let asset = asset(http.path()).ok_or_else(|| ApiError::new(Code::RouteUnknown))?;
    let known = http.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let fresh = known.is_some_and(|tags| asset.matches(tags));
    let mut answer = if fresh { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((ETAG, asset.etag))
        .insert_header((CACHE_CONTROL, asset.cache_control))
        .insert_header((CONTENT_SECURITY_POLICY, PAGE_POLICY));
    if fresh {
        return Ok(answer.finish());
    }
    answer.insert_header((CONTENT_TYPE, asset.content_type));
    Ok(answer.body(match asset.bytes {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => Bytes::from(bytes),
    }))
}

#[cfg(test)]
mod tests {
    use crate::routes::TABLE;
    use crate::testing::{PHASES, Phase, app_in, get, send};

    #[actix_web::test]
    async fn the_page_is_served_in_every_phase_with_its_policy() {
        for phase in PHASES {
            let app = app_in(phase).await;
            let seen = send(&app, &TABLE, get("/")).await;
            assert_eq!(seen.status, 200, "{phase:?}");
            let header = |name: &str| seen.headers.get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!(header("content-type"), "text/html; charset=utf-8");
            assert_eq!(header("x-content-type-options"), "nosniff");
            let policy = header("content-security-policy");
            assert!(policy.contains("script-src 'self';"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[actix_web::test]
    async fn a_known_file_is_not_sent_again_and_an_unknown_one_is_a_json_404() {
        let app = app_in(Phase::Ready).await;
        let first = send(&app, &TABLE, get("/assets/js/app.js")).await;
        let tag = first.headers.get("etag").unwrap().clone();
        let again = get("/assets/js/app.js").insert_header(("if-none-match", tag));
        let again = send(&app, &TABLE, again).await;
        assert_eq!((first.status, again.status), (200, 304));
        for path in ["/assets/js/none.js", "/assets/", "/assets/..%2fCargo.toml", "/nothing"] {
            let seen = send(&app, &TABLE, get(path)).await;
            assert_eq!((seen.status, seen.code.as_str()), (404, "route_unknown"), "{path}");
        }
    }
}
