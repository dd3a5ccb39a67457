//! The OpenAI-compatible provider against a server that misbehaves.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use firstlight_runtime::providers::{
    ChatEvent, ChatProvider, ChatRequest, ChatStream, Deadline, FinishReason, Message, Part,
    ProviderConfig, ProviderDefaults, ProviderError, Registry, Role, kinds,
};
use firstlight_tests::fake_openai::{Answer, FakeOpenAi, Outcome, Reply};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

const KEY: &str = "sk-first-secret";
const OTHER: &str = "sk-other-secret";

#[derive(Debug, Default)]
struct Read {
    reasoning: String,
    text: String,
    deltas: usize,
    usage: Option<(u64, u64, u64)>,
    finish: Option<FinishReason>,
    error: Option<ProviderError>,
}

fn provider(fake: &FakeOpenAi, more: &Value) -> Arc<dyn ChatProvider> {
    provider_at(&fake.api_base(), more)
}

fn provider_at(api_base: &str, more: &Value) -> Arc<dyn ChatProvider> {
    let base = json!({"type": "openai_chat_completion", "api_base": api_base, "key": [KEY],
        "model": "fake-model", "connect_timeout": 5, "timeout": 20});
    let mut own = json!({"id": "p"});
    own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let config = ProviderConfig::merged(Some(&base), &own, Path::new("")).unwrap();
    kinds::build(&config, &ProviderDefaults::default()).unwrap()
}

fn question(text: &str) -> ChatRequest {
    ChatRequest { messages: vec![Message::user(text)], stream: true, ..ChatRequest::default() }
}

async fn ask(provider: &Arc<dyn ChatProvider>) -> Result<ChatStream, ProviderError> {
    provider.chat(question("How are you?"), CancellationToken::new()).await
}

async fn read(mut stream: ChatStream) -> Read {
    let mut read = Read::default();
    while let Some(event) = stream.next().await {
        assert!(read.finish.is_none() && read.error.is_none(), "nothing follows the end");
        match event {
            Ok(ChatEvent::ReasoningDelta(more)) => read.reasoning.push_str(&more),
            Ok(ChatEvent::TextDelta(more)) => {
                read.text.push_str(&more);
                read.deltas += 1;
            }
            Ok(ChatEvent::Usage(u)) => read.usage = Some((u.input_other, u.input_cached, u.output)),
            Ok(ChatEvent::Done(done)) => read.finish = Some(done.finish_reason),
            Err(error) => read.error = Some(error),
        }
    }
    read
}

async fn answered(provider: &Arc<dyn ChatProvider>) -> Read {
    let read = read(ask(provider).await.unwrap()).await;
    assert!(read.error.is_none(), "{:?}", read.error);
    read
}

async fn refused(provider: &Arc<dyn ChatProvider>) -> ProviderError {
    let error = ask(provider).await.err().expect("an error before the first token");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("secret"), "an error shows a key: {text}");
    error
}

fn keys(fake: &FakeOpenAi) -> Vec<String> {
    fake.requests().into_iter().filter_map(|request| request.key).collect()
}

#[tokio::test]
async fn a_streamed_answer_comes_in_pieces_and_a_whole_one_says_the_same() {
    let fake = FakeOpenAi::start();
    let provider = provider(&fake, &json!({}));
    let answer = Answer { reasoning: Some("let me see".to_owned()), ..Answer::default() };
    fake.otherwise(Reply::Answer(answer));
    let streamed = answered(&provider).await;
    let whole = ChatRequest { stream: false, ..question("How are you?") };
    let whole = read(provider.chat(whole, CancellationToken::new()).await.unwrap()).await;
    for one in [&streamed, &whole] {
        assert_eq!(one.text, "You said: How are you?");
        assert_eq!(one.reasoning, "let me see");
        assert_eq!(one.usage, Some((6, 4, 5)));
        assert_eq!(one.finish, Some(FinishReason::Stop));
    }
    assert_eq!((streamed.deltas, whole.deltas), (5, 1));
    let outcomes: Vec<_> = fake.settled().await.iter().map(|request| request.outcome).collect();
    assert_eq!(outcomes, [Outcome::Answered, Outcome::Answered]);
}

#[tokio::test]
async fn the_request_carries_key_headers_images_and_extra_fields() {
    let fake = FakeOpenAi::start();
    let more = json!({"custom_headers": {"X-Team": "blue"}, "custom_extra_body": {"seed": 7}});
    let provider = provider(&fake, &more);
    let parts = vec![Part::text("what is this?"), Part::image_bytes("image/png", &[1, 2, 3])];
    let request = ChatRequest {
        system_prompt: Some("be brief".to_owned()),
        messages: vec![Message::new(Role::User, parts)],
        model: Some("another".to_owned()),
        ..question("")
    };
    read(provider.chat(request, CancellationToken::new()).await.unwrap()).await;
    let sent = &fake.requests()[0];
    assert_eq!(sent.path, "/v1/chat/completions");
    assert_eq!(sent.key.as_deref(), Some(KEY));
    assert_eq!(sent.headers["x-team"], "blue");
    assert!(sent.headers["user-agent"].starts_with("firstlight/"));
    assert_eq!((&sent.body["model"], &sent.body["seed"]), (&json!("another"), &json!(7)));
    assert_eq!(sent.body["messages"][0]["content"], "be brief");
    let url = &sent.body["messages"][1]["content"][1]["image_url"]["url"];
    assert_eq!(url, "data:image/png;base64,AQID");
}

#[tokio::test]
async fn an_answer_without_its_end_mark_is_whole() {
    let fake = FakeOpenAi::start();
    fake.push(Reply::Answer(Answer { end_mark: false, ..Answer::default() }));
    let read = answered(&provider(&fake, &json!({}))).await;
    assert_eq!(read.finish, Some(FinishReason::Stop));
}

#[tokio::test]
async fn a_refused_key_gives_way_to_the_next_and_is_not_tried_again() {
    let fake = FakeOpenAi::start();
    fake.when_key(KEY, Reply::unauthorized());
    let provider = provider(&fake, &json!({"key": [KEY, OTHER]}));
    for _ in 0..12 {
        assert_eq!(answered(&provider).await.finish, Some(FinishReason::Stop));
    }
    let refusals = keys(&fake).iter().filter(|key| *key == KEY).count();
    assert!(refusals <= 1, "the refused key was used {refusals} times");
}

#[tokio::test]
async fn when_every_key_is_refused_the_error_says_so_after_each_was_tried_once() {
    let fake = FakeOpenAi::start();
    let body = format!(r#"{{"error":{{"message":"Incorrect API key: {KEY} and {OTHER}"}}}}"#);
    fake.otherwise(Reply::status(401, &body));
    let provider = provider(&fake, &json!({"key": [KEY, OTHER]}));
    let error = refused(&provider).await;
    assert!(matches!(error, ProviderError::Auth { status: 401, .. }), "{error:?}");
    let mut tried = keys(&fake);
    tried.sort_unstable();
    assert_eq!(tried, [KEY, OTHER]);
}

#[tokio::test]
async fn a_limited_key_gives_way_and_rests_as_long_as_it_was_told() {
    let fake = FakeOpenAi::start();
    fake.when_key(KEY, Reply::rate_limited(Some("300")));
    let provider = provider(&fake, &json!({"key": [KEY, OTHER]}));
    for _ in 0..12 {
        answered(&provider).await;
    }
    let limited = keys(&fake).iter().filter(|key| *key == KEY).count();
    assert!(limited <= 1, "the resting key was used {limited} times");
}

#[tokio::test]
async fn a_long_wait_for_the_only_key_is_reported_at_once_and_honoured_by_later_calls() {
    let fake = FakeOpenAi::start();
    fake.otherwise(Reply::rate_limited(Some("300")));
    let provider = provider(&fake, &json!({}));
    for _ in 0..3 {
        let error = refused(&provider).await;
        let ProviderError::RateLimited { retry_after: Some(wait), .. } = error else {
            panic!("{error:?}");
        };
        assert!(wait > Duration::from_secs(200));
    }
    assert_eq!(fake.requests().len(), 1);
}

#[tokio::test]
async fn a_short_limit_and_passing_errors_are_waited_out_before_the_first_token() {
    let fake = FakeOpenAi::start();
    fake.push(Reply::rate_limited(Some("0.1")));
    fake.push(Reply::server_error());
    fake.push(Reply::malformed());
    fake.push(Reply::CutAfter { text: String::new(), reset: true });
    assert_eq!(answered(&provider(&fake, &json!({}))).await.text, "You said: How are you?");
    assert_eq!(fake.requests().len(), 5);
}

#[tokio::test]
async fn attempts_are_counted_and_a_plain_refusal_is_not_tried_again() {
    let fake = FakeOpenAi::start();
    let base = json!({"id": "p", "type": "openai_chat_completion", "api_base": fake.api_base()});
    let config = ProviderConfig::merged(None, &base, Path::new("")).unwrap();
    let defaults = ProviderDefaults { max_attempts: 2, ..ProviderDefaults::default() };
    let provider = kinds::build(&config, &defaults).unwrap();
    fake.push(Reply::status(400, r#"{"error":{"message":"no such model"}}"#));
    let error = refused(&provider).await;
    assert!(error.to_string().contains("no such model"), "{error}");
    assert_eq!(fake.requests().len(), 1);
    fake.otherwise(Reply::server_error());
    let error = refused(&provider).await;
    assert!(matches!(error, ProviderError::Status { status: 500, .. }), "{error:?}");
    assert_eq!(fake.requests().len(), 3);
    assert!(keys(&fake).is_empty(), "a provider without keys sends none");
}

#[tokio::test]
async fn an_answer_that_breaks_off_keeps_its_beginning_and_is_not_started_again() {
    let fake = FakeOpenAi::start();
    let provider = provider(&fake, &json!({}));
    for reset in [false, true] {
        fake.push(Reply::CutAfter { text: "half an ".to_owned(), reset });
        let read = read(ask(&provider).await.unwrap()).await;
        assert_eq!(read.text, "half an ");
        assert_eq!(read.error.map(|error| error.code()), Some("cut"));
    }
    assert_eq!(fake.requests().len(), 2);
}

#[tokio::test]
async fn an_error_inside_the_stream_and_a_content_filter_are_errors_of_their_own() {
    let fake = FakeOpenAi::start();
    let provider = provider(&fake, &json!({}));
    let start = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let error = format!("data: {{\"error\":{{\"message\":\"lost {KEY}\"}}}}\n\n");
    fake.push(Reply::events(&[start, &error]));
    let reported = read(ask(&provider).await.unwrap()).await;
    assert_eq!(reported.text, "a");
    assert_eq!(
        reported.error.unwrap().to_string(),
        "the provider reported an error: lost [redacted]"
    );
    let finish_reason = "content_filter".to_owned();
    fake.push(Reply::Answer(Answer { finish_reason, ..Answer::default() }));
    let filtered = read(ask(&provider).await.unwrap()).await;
    assert_eq!(filtered.error.map(|error| error.code()), Some("content_filter"));
}

#[tokio::test]
async fn a_line_without_end_is_not_collected_for_ever() {
    let fake = FakeOpenAi::start();
    let start = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    let endless = format!("data: {}", "x".repeat(5 << 20));
    fake.push(Reply::events(&[start, &endless]));
    let read = read(ask(&provider(&fake, &json!({}))).await.unwrap()).await;
    assert_eq!(read.error.map(|error| error.code()), Some("malformed"));
}

#[tokio::test]
async fn each_deadline_ends_its_own_kind_of_waiting_and_closes_the_call() {
    let check = async |reply: Reply, limits: &Value, expected: Deadline| {
        let fake = FakeOpenAi::start();
        fake.otherwise(reply);
        let provider = provider(&fake, limits);
        let error = match ask(&provider).await {
            Err(error) => error,
            Ok(stream) => read(stream).await.error.expect("an error in the stream"),
        };
        let ProviderError::Timeout { deadline, .. } = error else { panic!("{error:?}") };
        assert_eq!(deadline, expected);
        assert_eq!(fake.settled().await[0].outcome, Outcome::ClosedEarly);
    };
    let first = json!({"timeout": 0.2, "total_timeout": 60, "request_max_retries": 1});
    check(Reply::Silence, &first, Deadline::FirstToken).await;
    check(Reply::StallBeforeFirst, &first, Deadline::FirstToken).await;
    let text = "a".to_owned();
    check(Reply::StallAfter { text }, &json!({"idle_timeout": 0.2}), Deadline::Idle).await;
    check(Reply::drip(150), &json!({"total_timeout": 0.4}), Deadline::Whole).await;
    check(Reply::Silence, &json!({"total_timeout": 0.2}), Deadline::Whole).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_connection_error() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let once = json!({"request_max_retries": 1});
    let error = refused(&provider_at(&format!("http://{closed}/v1"), &once)).await;
    assert!(matches!(error, ProviderError::Connect { .. }), "{error:?}");
}

#[tokio::test]
async fn dropping_the_stream_or_the_call_closes_it_at_the_server() {
    let fake = FakeOpenAi::start();
    let provider = provider(&fake, &json!({}));
    fake.push(Reply::StallAfter { text: "a".to_owned() });
    let mut stream = ask(&provider).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), ChatEvent::TextDelta("a".to_owned()));
    drop(stream);
    assert_eq!(fake.settled().await[0].outcome, Outcome::ClosedEarly);

    fake.push(Reply::Silence);
    tokio::select! {
        _ = ask(&provider) => panic!("silence is no answer"),
        _ = fake.requested(2) => {}
    }
    assert_eq!(fake.settled().await[1].outcome, Outcome::ClosedEarly);
}

#[tokio::test]
async fn cancelling_ends_a_call_in_every_phase_and_closes_it_at_the_server() {
    let fake = FakeOpenAi::start();
    let provider = provider(&fake, &json!({}));
    let cancel = CancellationToken::new();
    fake.push(Reply::StallBeforeFirst);
    let (result, ()) = tokio::join!(provider.chat(question("x"), cancel.clone()), async {
        fake.requested(1).await;
        cancel.cancel();
    });
    assert_eq!(result.err().map(|error| error.code()), Some("cancelled"));

    let cancel = CancellationToken::new();
    fake.push(Reply::StallAfter { text: "a".to_owned() });
    let mut stream = provider.chat(question("x"), cancel.clone()).await.unwrap();
    stream.next().await.unwrap().unwrap();
    cancel.cancel();
    assert_eq!(stream.next().await.unwrap().unwrap_err().code(), "cancelled");
    let outcomes: Vec<_> = fake.settled().await.iter().map(|request| request.outcome).collect();
    assert_eq!(outcomes, [Outcome::ClosedEarly, Outcome::ClosedEarly]);
}

#[tokio::test]
async fn closing_the_registry_ends_running_answers_and_refuses_new_ones() {
    let fake = FakeOpenAi::start();
    let registry = Registry::new(ProviderDefaults::default());
    registry.add(provider(&fake, &json!({}))).await;
    let provider = registry.chat("p").unwrap();
    fake.push(Reply::StallAfter { text: "a".to_owned() });
    let stream = ask(&provider).await.unwrap();
    assert!(registry.close_all().await.is_empty());
    let read = read(stream).await;
    assert_eq!((read.text.as_str(), read.error.map(|e| e.code())), ("a", Some("closed")));
    assert_eq!(refused(&provider).await.code(), "closed");
    assert_eq!(fake.settled().await[0].outcome, Outcome::ClosedEarly);
}

#[tokio::test]
async fn a_replaced_provider_finishes_its_answers_and_a_removed_one_does_not() {
    let fake = FakeOpenAi::start();
    let registry = Registry::new(ProviderDefaults::default());
    registry.add(provider(&fake, &json!({}))).await;
    fake.push(Reply::StallAfter { text: "a".to_owned() });
    fake.push(Reply::drip(20));
    let stalled = ask(&registry.chat("p").unwrap()).await.unwrap();
    let dripping = ask(&registry.chat("p").unwrap()).await.unwrap();
    registry.add(provider(&fake, &json!({}))).await;
    assert_eq!(read(dripping).await.text, "You said: How are you?");

    fake.push(Reply::StallAfter { text: "b".to_owned() });
    let second = ask(&registry.chat("p").unwrap()).await.unwrap();
    assert!(registry.remove("p").await);
    assert_eq!(read(second).await.error.map(|error| error.code()), Some("closed"));
    assert!(registry.close_all().await.is_empty());
    assert_eq!(read(stalled).await.error.map(|error| error.code()), Some("closed"));
}

#[tokio::test]
async fn models_are_listed_with_the_first_key_that_is_accepted() {
    let fake = FakeOpenAi::start();
    fake.models(&["zeta", "alpha"]);
    fake.when_key(KEY, Reply::unauthorized());
    let provider = provider(&fake, &json!({"key": [KEY, OTHER]}));
    assert_eq!(provider.models().await.unwrap(), ["alpha", "zeta"]);
    let lone = provider_at(&fake.api_base(), &json!({}));
    assert_eq!(lone.models().await.unwrap_err().code(), "auth");
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_not_followed_with_our_keys() {
    let (fake, elsewhere) = (FakeOpenAi::start(), FakeOpenAi::start());
    let to = format!("{}/chat/completions", elsewhere.api_base());
    fake.otherwise(Reply::Redirect { to });
    assert_eq!(refused(&provider(&fake, &json!({}))).await.code(), "misconfigured");
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn a_proxy_is_used_for_the_provider_that_names_it() {
    let fake = FakeOpenAi::start();
    let proxy = format!("http://{}", fake.address());
    let through = provider_at("http://model.invalid/v1", &json!({"proxy": proxy}));
    assert_eq!(answered(&through).await.text, "You said: How are you?");
    assert_eq!(fake.requests()[0].headers["host"], "model.invalid");

    let socks = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = format!("socks5h://{}", socks.local_addr().unwrap());
    let through = provider_at("http://model.invalid/v1", &json!({"proxy": proxy}));
    let (read, host) = tokio::join!(answered(&through), socks_once(socks, &fake));
    assert_eq!(read.text, "You said: How are you?");
    assert_eq!(host, "model.invalid");
}

/// Serves one SOCKS5 connection, leading to the fake whatever was asked for; says what that was.
async fn socks_once(listener: TcpListener, fake: &FakeOpenAi) -> String {
    let (mut client, _) = listener.accept().await.unwrap();
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await.unwrap();
    let mut methods = vec![0; usize::from(greeting[1])];
    client.read_exact(&mut methods).await.unwrap();
    client.write_all(&[5, 0]).await.unwrap();
    let mut request = [0; 5];
    client.read_exact(&mut request).await.unwrap();
    assert_eq!(request[..4], [5, 1, 0, 3], "connect to a host by its name");
    let mut host = vec![0; usize::from(request[4]) + 2];
    client.read_exact(&mut host).await.unwrap();
    host.truncate(host.len() - 2);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let mut server = TcpStream::connect(fake.address()).await.unwrap();
    let _either_side_may_hang_up = copy_bidirectional(&mut client, &mut server).await;
    String::from_utf8(host).unwrap()
}
