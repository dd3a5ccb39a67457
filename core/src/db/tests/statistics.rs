//! Counters.

use super::fresh::fresh;
use crate::db::{CallStatus, CountedMessages, ProviderCall};

const HOUR: i64 = 3_600_000;

#[tokio::test]
async fn messages_are_counted_per_hour_and_platform() {
    let (_folder, database) = fresh().await;
    let statistics = database.statistics();
    for messages in [[("a", 5, 1), ("b", 7, 1)], [("a", HOUR - 1, 1), ("a", HOUR, 2)]] {
        let counted = messages
            .map(|(platform, at, count)| (CountedMessages::at(platform, "webchat", at), count));
        statistics.record(counted.to_vec(), Vec::new()).await.unwrap();
    }
    let counts = statistics.messages_since(0).await.unwrap();
    let counts: Vec<_> =
        counts.iter().map(|row| (row.hour, row.platform_id.as_str(), row.count)).collect();
    assert_eq!(counts, [(0, "a", 2), (0, "b", 1), (HOUR, "a", 2)]);
    assert_eq!(statistics.messages_since(HOUR + 5).await.unwrap().len(), 1);
    assert_eq!(statistics.messages_ever().await.unwrap(), 5);
}

#[tokio::test]
async fn calls_are_summed_per_provider_and_model() {
    let (_folder, database) = fresh().await;
    let statistics = database.statistics();
    let call = |status, start_time| ProviderCall {
        status,
        umo: "w:f:1".into(),
        conversation_id: None,
        provider_id: "demo".into(),
        provider_model: Some("demo-1".into()),
        token_input_other: 10,
        token_input_cached: 2,
        token_output: 5,
        start_time,
        end_time: start_time + 100,
        time_to_first_token: (status == CallStatus::Completed).then_some(40),
    };
    let calls = [(CallStatus::Completed, 10), (CallStatus::Error, 20), (CallStatus::Aborted, 30)];
    let calls = calls.map(|(status, at)| call(status, at)).to_vec();
    statistics.record(Vec::new(), calls).await.unwrap();
    let usage = statistics.usage_since(0).await.unwrap();
    assert_eq!(usage.len(), 1);
    let usage = &usage[0];
    assert_eq!((usage.calls, usage.errors, usage.aborted, usage.token_output), (3, 1, 1, 15));
    assert_eq!(usage.mean_time_to_first_token, Some(40.0));
    assert!((usage.mean_duration - 100.0).abs() < 1e-9);
    assert_eq!(statistics.usage_since(30).await.unwrap()[0].calls, 1);
}
