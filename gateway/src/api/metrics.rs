//! `GET /metrics`

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;

use crate::app::App;
use crate::http::ApiError;

/// The counters, in the text form of Prometheus.
pub async fn read(app: Data<App>) -> Result<HttpResponse, ApiError> {
    let text = crate::metrics::render(&app).await;
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4")).body(text))
}
