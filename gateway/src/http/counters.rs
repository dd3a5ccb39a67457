//! How often a row was asked and how long it took.

use std::cell::OnceCell;

use actix_web::http::StatusCode;
use metrics::{Counter, counter};
use tokio::time::Instant;

use super::row::Row;

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of one row on one worker. Looking a counter up costs more than counting, so each
/// is looked up once.
#[derive(Default)]
pub(super) struct Counters {
    answers: [OnceCell<Counter>; CLASSES.len()],
    busy: OnceCell<Counter>,
}

impl Counters {
    /// Counts one answer of the row.
    pub(super) fn count(&self, row: &Row, status: StatusCode, began: Instant) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let (Some(answers), Some(class)) = (self.answers.get(class), CLASSES.get(class)) {
            let find =
                || counter!("firstlight_http_answers_total", "row" => row.name, "status" => *class);
            answers.get_or_init(find).increment(1);
        }
        let find = || counter!("firstlight_http_busy_microseconds_total", "row" => row.name);
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.busy.get_or_init(find).increment(took);
    }
}
