//! What can be seen without a socket: reading, writing, splitting, and what an answer means.

use firstlight_core::db::Database;
use firstlight_core::model::{
    At, Component, Face, File, Image, MessageChain, Node, Nodes, Outgoing, PlatformId, Reply,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::answers::CallError;
use super::event::{self, Reading, Received};
use super::media::Media;
use super::{cq, outbound, segments, splitting};
use crate::platforms::Delivery;

const BOT: &str = "10001";

fn read(event: &Value) -> Result<Reading, event::EventError> {
    let platform = PlatformId::new("qq").unwrap();
    event::read(event.to_string().as_bytes(), &platform, "aiocqhttp", "")
}

fn received(event: &Value) -> Received {
    match read(event).unwrap() {
        Reading::Message(received) => *received,
        other => panic!("{other:?}"),
    }
}

fn message(segments: impl Into<Value>) -> Value {
    let segments = segments.into();
    json!({
        "post_type": "message", "message_type": "group", "message_id": 5, "group_id": 200,
        "user_id": 300, "self_id": 10001, "time": 1_700_000_000, "message": segments,
        "sender": { "nickname": "Ann", "card": "" },
    })
}

fn chain(segments: Value) -> Vec<Component> {
    received(&message(segments)).event.message.chain
}

#[test]
fn b9_a_mention_of_all_is_a_mention_of_all() {
    let read = chain(json!([{ "type": "at", "data": { "qq": "all" } }]));
    assert!(matches!(read.as_slice(), [Component::At(at)] if at.is_all()), "{read:?}");
    let read = received(&message(json!("[CQ:at,qq=all] hear me")));
    assert_eq!(read.event.text, "hear me");
    assert!(matches!(&read.event.message.chain[0], Component::At(at) if at.is_all()));
}

#[test]
fn b9_each_file_is_known_by_its_own_id() {
    let read = chain(json!([
        { "type": "file", "data": { "file": "a.txt", "file_id": "/one-1", "file_size": "9" } },
        { "type": "file", "data": { "file_name": "b.txt", "file_id": "two-2" } },
        { "type": "file", "data": { "name": "c.txt", "url": "https://x.example/c" } },
    ]));
    let files: Vec<_> = read
        .iter()
        .map(|component| match component {
            Component::File(file) => (file.name.as_str(), file.file.as_str(), file.url.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let wanted =
        [("a.txt", "/one-1", ""), ("b.txt", "two-2", ""), ("c.txt", "", "https://x.example/c")];
    assert_eq!(files, wanted);
}

#[test]
fn b9_names_come_with_the_message() {
    let mut event = message(json!([{ "type": "text", "data": { "text": "x" } }]));
    assert_eq!(received(&event).event.sender.nickname.as_deref(), Some("Ann"));
    event["sender"]["card"] = json!("Annie");
    assert_eq!(received(&event).event.sender.nickname.as_deref(), Some("Annie"));
}

#[test]
fn s10_nothing_that_comes_in_names_a_place_on_this_machine() {
    let paths = ["/etc/passwd", "file:///etc/passwd", "..\\..\\x", "C:\\x", "FILE:/x", "/a/b"];
    for kind in ["image", "record", "video", "file", "mface", "music", "share", "node"] {
        for path in paths {
            let data = json!({ "file": path, "url": path, "path": path, "cover": path,
                "image": path, "thumb": path, "audio": path,
                "content": [{ "type": "image", "data": { "file": path, "path": path } }] });
            let read = chain(json!([{ "type": kind, "data": data }]));
            let kept = serde_json::to_string(&read).unwrap();
            assert!(!kept.contains("/etc") && !kept.contains("C:"), "{kind} {path}: {kept}");
            assert!(!kept.contains("/a/b") && !kept.contains(".."), "{kind} {path}: {kept}");
        }
    }
    let kept = chain(json!([{ "type": "image", "data":
        { "file": "ABC.image", "url": "https://x.example/a.png", "path": "/tmp/a" } }]));
    let Component::Image(image) = &kept[0] else { panic!("{kept:?}") };
    assert_eq!((image.file.as_str(), image.path.as_str()), ("ABC.image", ""));
    assert_eq!(image.url, "https://x.example/a.png");
}

#[tokio::test]
async fn s10_nothing_that_goes_out_is_read_from_a_path() {
    let (media, _folder) = media().await;
    let secret = "/etc/passwd";
    let places = vec![
        Component::Image(Image { file: secret.into(), path: secret.into(), ..Image::default() }),
        Component::Image(Image { url: format!("file://{secret}"), ..Image::default() }),
        Component::File(File { name: "n".into(), file: secret.into(), ..File::default() }),
        serde_json::from_value(json!({ "type": "x", "data": { "file": secret } })).unwrap(),
    ];
    let written = outbound::segments(&places, &media, 0).await.unwrap();
    assert!(!json!(written).to_string().contains("passwd"), "{written:?}");
    // What cannot be sent is said.
    assert_eq!(written[0], json!({ "type": "text", "data": { "text": "[image]" } }));
}

#[tokio::test]
async fn an_attachment_goes_out_inline() {
    let folder = TempDir::new().unwrap();
    let database = Database::open(&folder.path().join("test.db")).await.unwrap();
    let stored = database.attachments().put(b"picture", "p.png", "image/png").await.unwrap();
    let media = Media::new(database.attachments());
    let url = format!("{}{}", crate::pipeline::ATTACHMENT_SCHEME, stored.attachment_id);
    let picture = [Component::Image(Image { url, ..Image::default() })];
    let written = outbound::segments(&picture, &media, 0).await.unwrap();
    assert_eq!(written, [json!({ "type": "image", "data": { "file": "base64://cGljdHVyZQ==" } })]);
    let gone = [Component::Image(Image { url: "attachment:gone".into(), ..Image::default() })];
    assert!(outbound::segments(&gone, &media, 0).await.is_err());
}

#[test]
fn the_text_leaves_out_the_first_mention_of_the_bot_and_names_others() {
    let read = received(&message(json!([
        { "type": "reply", "data": { "id": 7, "text": "not believed" } },
        { "type": "at", "data": { "qq": 10001 } },
        { "type": "text", "data": { "text": " tell " } },
        { "type": "at", "data": { "qq": "42", "name": "Bo" } },
        { "type": "at", "data": { "qq": "43" } },
        { "type": "at", "data": { "qq": "10001" } },
    ])));
    assert_eq!(read.event.text, "tell  @Bo(42)  @43  @10001");
    let Component::Reply(reply) = &read.event.message.chain[0] else { panic!() };
    assert_eq!(reply, &Reply { id: "7".into(), ..Reply::default() });
}

#[test]
fn codes_are_read_and_what_is_none_stays_text() {
    let check = |text: &str, wanted: Value| assert_eq!(json!(cq::segments(text)), wanted, "{text}");
    let text = |text: &str| json!({ "type": "text", "data": { "text": text } });
    check("", json!([]));
    check("a&#91;b&#93;&amp;#44;", json!([text("a[b]&#44;")]));
    let at = json!({ "type": "at", "data": { "qq": "1", "name": "a,b" } });
    check("hi[CQ:at,qq=1,name=a&#44;b]!", json!([text("hi"), at, text("!")]));
    check("[CQ:face,id=1", json!([text("[CQ:face,id=1")]));
    check("[CQ:]x", json!([text("[CQ:]x")]));
    check("[CQ:[CQ:rps]", json!([text("[CQ:"), { "type": "rps", "data": {} }]));
}

#[test]
fn what_the_bot_wrote_and_what_decorates_a_chat_is_ignored() {
    let own = json!({ "user_id": 10001 });
    let mut event = message(json!("x"));
    event["user_id"] = own["user_id"].clone();
    assert!(matches!(read(&event), Ok(Reading::Ignored)));
    event["post_type"] = json!("message_sent");
    assert!(matches!(read(&event), Ok(Reading::Ignored)));
    let honor = json!({ "post_type": "notice", "notice_type": "notify", "sub_type": "honor",
        "group_id": 1, "user_id": 2, "self_id": 10001 });
    assert!(matches!(read(&honor), Ok(Reading::Ignored)));
}

#[test]
fn a_poke_belongs_to_its_conversation_and_a_request_to_nobodys() {
    let poke = json!({ "post_type": "notice", "notice_type": "notify", "sub_type": "poke",
        "self_id": 10001, "user_id": 300, "target_id": 10001, "group_id": 200, "time": 1 });
    let read = received(&poke);
    assert_eq!(read.event.session.to_string(), "qq:GroupMessage:200");
    assert!(matches!(&read.event.message.chain[0], Component::Poke(p) if p.target() == Some(BOT)));
    let request = json!({ "post_type": "request", "request_type": "friend", "self_id": 10001,
        "user_id": 300, "comment": "hi", "flag": "f", "time": 1 });
    let read = received(&request);
    assert_eq!(read.event.session.to_string(), "qq:OtherMessage:user_300");
    assert_eq!((read.event.text.as_str(), read.event.message.is_empty()), ("", true));
    assert_eq!(read.event.extras["onebot"]["flag"], "f");
}

#[test]
fn an_identity_is_one_message_of_one_account() {
    let event = message(json!("x"));
    let first = received(&event).identity;
    assert_eq!(received(&event).identity, first);
    for (key, value) in [
        ("self_id", json!(10002)),
        ("group_id", json!(201)),
        ("time", json!(1)),
        ("message_id", json!(6)),
    ] {
        let mut other = event.clone();
        other[key] = value;
        assert_ne!(received(&other).identity, first, "{key}");
    }
}

#[test]
fn events_that_lack_something_say_what() {
    for key in ["post_type", "message_type", "message_id", "group_id", "user_id", "message"] {
        let mut event = message(json!("x"));
        event.as_object_mut().unwrap().remove(key);
        let error = read(&event).unwrap_err().to_string();
        assert!(error.contains(key), "{key}: {error}");
    }
}

#[test]
fn each_refusal_has_its_meaning() {
    let failed = |retcode, message: &str| CallError::Failed { retcode, message: message.into() };
    let refused = |error| matches!(outbound::meaning(error), Delivery::Refused { .. });
    let later = |error| matches!(outbound::meaning(error), Delivery::Later { .. });
    let unknown = |error| matches!(outbound::meaning(error), Delivery::Unknown { .. });
    for retcode in [100, 102, 103, 1400, 1404, 10_003] {
        assert!(refused(failed(retcode, "no")), "{retcode}");
    }
    for retcode in [-1, 34, 201, 1200, 1401, 1500] {
        assert!(later(failed(retcode, "no")), "{retcode}");
    }
    assert!(unknown(failed(1200, "Timeout: NTEvent sendMsg")) && unknown(failed(100, "发送超时")));
    assert!(unknown(CallError::Lost) && unknown(CallError::TimedOut));
    assert!(matches!(outbound::meaning(CallError::Offline), Delivery::Offline));
}

/// Words that mean something in a frame.
const WORDS: &str = "message notice request meta_event heartbeat group private text at image file \
    node poke notify all [CQ:at,qq=1] [CQ: 1";
/// Keys that mean something in a frame.
const KEYS: &str = "post_type message_type meta_event_type notice_type request_type sub_type \
    message_id user_id group_id self_id target_id time message raw_message sender anonymous \
    nickname card file id type data qq url path content echo status retcode interval";

fn one_of(words: &'static str) -> impl Strategy<Value = String> {
    prop::sample::select(words.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        one_of(WORDS).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(one_of(KEYS), inner, 0..12)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn property_any_frame_is_refused_or_read(value in any_json()) {
        let _ = read(&value);
        let _ = event::frame(&value.to_string());
    }

    #[test]
    fn property_any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let platform = PlatformId::new("qq").unwrap();
        let _ = event::read(&bytes, &platform, "aiocqhttp", "");
    }

    #[test]
    fn property_a_message_event_is_read_whatever_it_holds(content in any_json(), text in ".{0,80}") {
        for given in [content, Value::from(text)] {
            if let Ok(Reading::Message(read)) = read(&message(given)) {
                let stored = serde_json::to_string(&read.event).unwrap();
                let back: firstlight_core::model::MessageEvent =
                    serde_json::from_str(&stored).unwrap();
                prop_assert_eq!(back, read.event);
            }
        }
    }

    #[test]
    fn property_pieces_hold_everything_in_order_and_what_is_left_stays_the_same(
        chain in prop::collection::vec(any_component(), 0..8),
        limit in 5_usize..40,
        sent in 0_usize..6,
    ) {
        let whole = outgoing(chain.clone());
        let pieces = splitting::pieces(&whole, limit);
        let texts = |messages: &[Outgoing]| -> String {
            let all = messages.iter().flat_map(|piece| &piece.message.chain);
            all.filter_map(Component::as_text).collect()
        };
        let kept: String = texts(&pieces).split_whitespace().collect();
        let given: String = texts(&[whole]).split_whitespace().collect();
        prop_assert_eq!(kept, given);
        for piece in &pieces {
            prop_assert!(texts(std::slice::from_ref(piece)).chars().count() <= limit);
        }
        let rest = pieces.get(sent..).unwrap_or_default();
        let joined = rest.iter().flat_map(|piece| piece.message.chain.clone()).collect();
        prop_assert_eq!(splitting::pieces(&outgoing(joined), limit), rest);
    }
}

fn outgoing(chain: Vec<Component>) -> Outgoing {
    let message = MessageChain { chain, ..MessageChain::default() };
    Outgoing::new("qq:GroupMessage:200".parse().unwrap(), message)
}

fn any_component() -> impl Strategy<Value = Component> {
    let url = "https://x\\.example/[a-z]{1,5}";
    prop_oneof![
        4 => "[a-z \n。é]{0,60}".prop_map(Component::text),
        1 => "[0-9]{1,9}".prop_map(|qq| Component::At(At { qq, name: String::new() })),
        1 => "[0-9]{1,3}".prop_map(|id| Component::Face(Face { id })),
        1 => url.prop_map(|file| Component::Image(Image { file, ..Image::default() })),
        1 => url.prop_map(|file| Component::Record(firstlight_core::model::Record {
            file, ..Default::default()
        })),
        1 => "[0-9]{1,9}".prop_map(|id| Component::Reply(Reply { id, ..Reply::default() })),
        1 => "[a-z]{1,9}".prop_map(|text| Component::Node(Node {
            uin: "1".into(), name: "n".into(), content: vec![Component::text(text)],
            ..Node::default()
        })),
    ]
}

#[test]
fn property_what_is_written_is_read_back_the_same() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (media, _folder) = runtime.block_on(media());
    // Nodes go out as a bundle and come in as a reference to one.
    let plain = any_component().prop_filter("a bundle", |c| !matches!(c, Component::Node(_)));
    let chains = prop::collection::vec(plain, 0..8);
    let mut runner = TestRunner::deterministic();
    let ran = runner.run(&chains, |chain| {
        let written = runtime.block_on(outbound::segments(&chain, &media, 0)).unwrap();
        let back = segments::read(&Value::Array(written)).unwrap();
        prop_assert_eq!(without_spaces(back), without_spaces(chain));
        Ok(())
    });
    ran.unwrap();
}

/// Without the spaces that are put behind mentions, and with neighbouring texts as one.
fn without_spaces(chain: Vec<Component>) -> Vec<Component> {
    let mut merged: Vec<Component> = Vec::new();
    for component in chain {
        let text = component.as_text().map(|text| text.replace(char::is_whitespace, ""));
        match (text, merged.last_mut()) {
            (Some(text), _) if text.is_empty() => {}
            (Some(text), Some(Component::Plain(last))) => last.text.push_str(&text),
            (Some(text), _) => merged.push(Component::text(text)),
            (None, _) => merged.push(component),
        }
    }
    merged
}

#[tokio::test]
async fn a_bundle_is_one_call_with_its_nodes() {
    let (media, _folder) = media().await;
    let node = |text: &str| {
        Component::Node(Node {
            uin: "7".into(),
            name: "Ann".into(),
            content: vec![Component::text(text)],
            ..Node::default()
        })
    };
    let pieces = splitting::pieces(&outgoing(vec![node("a"), node("b")]), 100);
    let [piece] = pieces.as_slice() else { panic!("{pieces:?}") };
    let called = outbound::call(outbound::Target::Group("200"), &piece.message.chain, &media);
    let (action, params) = called.await.unwrap().unwrap();
    assert_eq!(action, "send_group_forward_msg");
    assert_eq!(params["group_id"], 200);
    assert_eq!(params["messages"][1]["data"]["content"][0]["data"]["text"], "b");
    assert_eq!(params["messages"][0]["data"]["user_id"], "7");
    let nested = Component::Nodes(Nodes { messages: vec![node("a")] });
    let called = outbound::call(outbound::Target::User("3"), &[nested], &media).await;
    assert_eq!(called.unwrap().unwrap().0, "send_private_forward_msg");
}

async fn media() -> (Media, TempDir) {
    let folder = TempDir::new().unwrap();
    let database = Database::open(&folder.path().join("test.db")).await.unwrap();
    (Media::new(database.attachments()), folder)
}
