//! Components, with examples and as a property.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn text() -> impl Strategy<Value = String> {
    "(?s).{0,24}"
}

fn leaf() -> impl Strategy<Value = Component> {
    prop_oneof![
        (text(), any::<bool>())
            .prop_map(|(text, convert)| Component::Plain(Plain { text, convert })),
        (text(), text(), text(), text()).prop_map(|(file, url, path, kind)| {
            Component::Image(Image { file, url, path, kind })
        }),
        (text(), text(), prop::option::of(text()), prop::option::of(text())).prop_map(
            |(file, url, text, path)| Component::Record(Record { file, url, text, path })
        ),
        (text(), text(), text(), text()).prop_map(|(file, url, cover, path)| {
            Component::Video(Video { file, url, cover, path })
        }),
        (text(), text(), text()).prop_map(|(name, file, url)| Component::File(File {
            name,
            file,
            url
        })),
        text().prop_map(|id| Component::Face(Face { id })),
        (text(), text()).prop_map(|(qq, name)| Component::At(At { qq, name })),
        text().prop_map(|id| Component::Forward(Forward { id })),
        (text(), text(), text()).prop_map(|(kind, id, qq)| Component::Poke(Poke { kind, id, qq })),
    ]
}

fn other_leaf() -> impl Strategy<Value = Component> {
    let marker = || Just(Marker::default());
    prop_oneof![
        text().prop_map(|key| Component::Json(Json { data: json!({ key: [1, null, "x"] }) })),
        (text(), text(), text(), text()).prop_map(|(url, title, content, image)| {
            Component::Share(Share { url, title, content, image })
        }),
        (text(), text(), text()).prop_map(|(kind, id, audio)| {
            Component::Music(Music { kind, id, audio, ..Music::default() })
        }),
        (-90_000_000..90_000_000, -180_000_000..180_000_000, text()).prop_map(
            |(lat, lon, title)| Component::Location(Location {
                lat: f64::from(lat) / 1e6,
                lon: f64::from(lon) / 1e6,
                title,
                content: String::new(),
            })
        ),
        (text(), text()).prop_map(|(kind, id)| Component::Contact(Contact { kind, id })),
        marker().prop_map(Component::Rps),
        marker().prop_map(Component::Dice),
        marker().prop_map(Component::Shake),
        (prop::option::of(text()), prop::option::of(any::<u32>()), text()).prop_map(
            |(title, color, name)| Component::DiscordEmbed(DiscordEmbed {
                title,
                color,
                fields: vec![super::super::EmbedField { name, ..Default::default() }],
                ..DiscordEmbed::default()
            })
        ),
        (text(), prop::option::of(text()), any::<bool>()).prop_map(
            |(label, custom_id, disabled)| Component::DiscordButton(DiscordButton {
                label,
                custom_id,
                disabled,
                ..DiscordButton::default()
            })
        ),
        (text(), text()).prop_map(|(message_id, channel_id)| {
            Component::DiscordReference(DiscordReference { message_id, channel_id })
        }),
        ("x-[a-z]{1,8}", text()).prop_map(|(kind, body)| Component::Unknown(Unknown {
            kind: kind.into(),
            rest: [("data".to_owned(), json!({ "body": body }))].into_iter().collect(),
        })),
    ]
}

fn component() -> impl Strategy<Value = Component> {
    prop_oneof![leaf(), other_leaf()].prop_recursive(4, 24, 4, |inner| {
        let many = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (text(), many.clone(), any::<i64>()).prop_map(|(id, chain, time)| {
                Component::Reply(Reply { id, chain, time, ..Reply::default() })
            }),
            (text(), text(), many.clone()).prop_map(|(name, uin, content)| {
                Component::Node(Node { name, uin, content, ..Node::default() })
            }),
            many.clone().prop_map(|messages| Component::Nodes(Nodes { messages })),
            many.prop_map(|components| Component::DiscordView(DiscordView {
                components,
                timeout: Some(2.5),
            })),
        ]
    })
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn every_component_survives_its_json(component in component()) {
        let value = serde_json::to_value(&component).unwrap();
        let back: Component = serde_json::from_value(value.clone()).unwrap();
        prop_assert_eq!(&back, &component, "{}", value);
        let back: Component = serde_json::from_str(&value.to_string()).unwrap();
        prop_assert_eq!(back, component);
    }

    #[test]
    fn any_object_with_a_known_type_is_read_or_kept(
        kind in prop::sample::select(vec![
            "text", "image", "at", "reply", "node", "nodes", "json", "poke", "location", "rps",
        ]),
        data in json_value(),
    ) {
        let value = json!({ "type": kind, "data": data });
        let component: Component = serde_json::from_value(value.clone()).unwrap();
        let written = serde_json::to_value(&component).unwrap();
        if let Component::Unknown(_) = component {
            prop_assert_eq!(written, value);
        } else {
            prop_assert_eq!(serde_json::from_value::<Component>(written).unwrap(), component);
        }
    }
}

fn read(value: Value) -> Component {
    serde_json::from_value(value).unwrap()
}

#[test]
fn both_names_of_text_are_read_and_text_is_written() {
    assert_eq!(read(json!({"type": "plain", "data": {"text": "hi"}})), Component::text("hi"));
    assert_eq!(
        serde_json::to_value(Component::text("hi")).unwrap(),
        json!({"type": "text", "data": {"text": "hi"}})
    );
}

#[test]
fn ids_may_be_numbers_or_text() {
    let expected = Component::At(At { qq: "10001".into(), name: String::new() });
    assert_eq!(read(json!({"type": "at", "data": {"qq": 10001}})), expected);
    assert_eq!(read(json!({"type": "at", "data": {"qq": "10001"}})), expected);
    let Component::Location(place) =
        read(json!({"type": "location", "data": {"lat": "39.8", "lon": 116.25}}))
    else {
        panic!("no place");
    };
    assert_eq!((place.lat, place.lon), (39.8, 116.25));
}

#[test]
fn a_card_that_comes_as_text_is_parsed() {
    let card = read(json!({"type": "json", "data": {"data": "{\"app\": \"x\"}"}}));
    assert_eq!(card, Component::Json(Json { data: json!({"app": "x"}) }));
}

#[test]
fn an_unknown_kind_is_written_back_as_it_came() {
    let value = json!({"type": "hologram", "data": {"depth": 3}, "beside": true});
    let component = read(value.clone());
    assert_eq!(component.kind(), "hologram");
    assert_eq!(serde_json::to_value(component).unwrap(), value);
}

#[test]
fn debug_shows_neither_inline_media_nor_long_texts() {
    let picture = Image { file: format!("base64://{}", "A".repeat(500)), ..Image::default() };
    let shown = format!("{:?}", Component::Image(picture));
    assert!(shown.contains("<inline media, 509 bytes>"), "{shown}");
    let shown = format!("{:?}", Component::text("é".repeat(100)));
    assert!(shown.contains(&("é".repeat(64) + "…")) && !shown.contains(&"é".repeat(65)));
}

#[test]
fn a_nudge_is_for_the_first_id_that_names_somebody() {
    let poke = |id: &str, qq: &str| Poke { id: id.into(), qq: qq.into(), ..Poke::default() };
    assert_eq!(poke("0", "7").target(), Some("7"));
    assert_eq!(poke("5", "7").target(), Some("5"));
    assert_eq!(poke("", "0").target(), None);
}
