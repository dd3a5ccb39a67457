//! The numbers of the statistics page.

use actix_web::web::Data;
use firstlight_core::db::MessageCount;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::http::{Answer, Query, Reply, RuntimeLease};

const HOUR_MS: i64 = 3_600_000;
/// The longest time that is looked back, in seconds: a year.
const LONGEST: u32 = 366 * 86_400;

/// How far to look back.
#[derive(Deserialize, JsonSchema)]
pub struct Span {
    /// Seconds; a day when absent.
    #[serde(default = "a_day")]
    offset_sec: u32,
}

fn a_day() -> u32 {
    86_400
}

/// The numbers.
#[derive(Serialize, JsonSchema)]
pub struct Overview {
    platform: Vec<PlatformCount>,
    /// Messages ever.
    message_count: i64,
    platform_count: usize,
    plugin_count: usize,
    plugins: Vec<PluginLine>,
    /// `[end of the hour in epoch seconds, messages]`.
    message_time_series: Vec<(i64, i64)>,
    running: Running,
    memory: Memory,
    cpu_percent: f32,
    thread_count: usize,
    start_time: i64,
}

/// Messages of one platform.
#[derive(Serialize, JsonSchema)]
pub struct PlatformCount {
    name: String,
    count: i64,
    timestamp: i64,
}

/// A loaded plugin.
#[derive(Serialize, JsonSchema)]
pub struct PluginLine {
    name: String,
    version: String,
    is_enabled: bool,
}

/// Since when.
#[derive(Serialize, JsonSchema)]
pub struct Running {
    hours: i64,
    minutes: i64,
    seconds: i64,
}

/// In MiB.
#[derive(Serialize, JsonSchema)]
pub struct Memory {
    process: u64,
    system: u64,
}

/// `GET /api/stat/get`
pub async fn read(
    app: Data<App>,
    lease: RuntimeLease,
    Query(span): Query<Span>,
) -> Answer<Overview> {
    let now = Timestamp::now().as_millisecond();
    let seconds = i64::from(span.offset_sec.min(LONGEST));
    let statistics = app.database.statistics();
    let counts = statistics.messages_since(hour_of(now - seconds * 1000)).await?;
    let message_count = statistics.messages_ever().await?;
    let usage = app.process.measure().await;
    let ready_since = app.control.snapshot().at.as_second();
    let up = (now / 1000 - ready_since).max(0);
    let plugins = lease.plugins.list().into_iter().map(|plugin| PluginLine {
        name: plugin.manifest.name,
        version: plugin.manifest.version.to_string(),
        is_enabled: true,
    });
    let plugins: Vec<PluginLine> = plugins.collect();
    Ok(Reply::data(Overview {
        platform: by_platform(&counts),
        message_count,
        platform_count: lease.platforms.statuses().len(),
        plugin_count: plugins.len(),
        plugins,
        message_time_series: series(&counts, now, seconds),
        running: Running { hours: up / 3600, minutes: up % 3600 / 60, seconds: up % 60 },
        memory: Memory { process: usage.process_mib, system: usage.system_mib },
        cpu_percent: usage.cpu_percent,
        thread_count: usage.threads,
        start_time: ready_since,
    }))
}

fn hour_of(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(HOUR_MS) * HOUR_MS
}

fn by_platform(counts: &[MessageCount]) -> Vec<PlatformCount> {
    let mut platforms: Vec<PlatformCount> = Vec::new();
    for count in counts {
        let timestamp = count.hour / 1000;
        match platforms.iter_mut().find(|known| known.name == count.platform_id) {
            Some(known) => {
                known.count += count.count;
                known.timestamp = known.timestamp.max(timestamp);
            }
            None => platforms.push(PlatformCount {
                name: count.platform_id.clone(),
                count: count.count,
                timestamp,
            }),
        }
    }
    platforms
}

/// One entry for each hour of the span, also for those without a message.
fn series(counts: &[MessageCount], now: i64, seconds: i64) -> Vec<(i64, i64)> {
    let first = hour_of(now - seconds * 1000);
    let hours = (first..=hour_of(now)).step_by(usize::try_from(HOUR_MS).unwrap_or(usize::MAX));
    hours
        .map(|hour| {
            let of_hour = counts.iter().filter(|count| count.hour == hour);
            ((hour + HOUR_MS) / 1000, of_hour.map(|count| count.count).sum())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(hour: i64, platform: &str, count: i64) -> MessageCount {
        let platform_type = platform.to_owned();
        MessageCount { hour: hour * HOUR_MS, platform_id: platform.into(), platform_type, count }
    }

    #[test]
    fn the_series_has_every_hour_of_the_span() {
        let counts = [count(1, "a", 2), count(1, "b", 3), count(3, "a", 1)];
        let series = series(&counts, 3 * HOUR_MS + 5, 2 * 3600);
        assert_eq!(series, [(2 * 3600, 5), (3 * 3600, 0), (4 * 3600, 1)]);
    }

    #[test]
    fn platforms_are_summed_over_their_hours() {
        let counts = [count(1, "a", 2), count(1, "b", 3), count(3, "a", 1)];
        let sums: Vec<_> = by_platform(&counts).into_iter().map(|p| (p.name, p.count)).collect();
        assert_eq!(sums, [("a".to_owned(), 3), ("b".to_owned(), 3)]);
    }
}
