//! Rolls dice: `/roll 2d6`.
//!
//! A component has neither a clock nor a source of chance, so the dice go by a number of their own
//! that is kept in the key-value store and mixed with the message's id and time.

use firstlight_plugins_api::{
    Argument, Call, Handler, Host, Manifest, Plugin, PluginError, Reply, Version,
};

/// Where the state of the dice is kept.
const STATE: &str = "state";

/// The plugin.
pub struct Dice {
    host: Host,
}

impl Plugin for Dice {
    fn manifest() -> Manifest {
        Manifest::new("dice", Version::new(1, 0, 0))
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let roll = Handler::command("roll").about("Rolls dice, such as 2d6.");
        vec![roll.argument(Argument::text("dice").default("1d6"))]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let wanted = call.arguments.text("dice").unwrap_or("1d6");
        let (count, sides) = parse(wanted)?;
        let stored = self.host.load(STATE).await?.and_then(|value| value.as_u64());
        let mut state = stored.unwrap_or(0) ^ seed(&call.event.message_id, call.event.at_ms);
        let rolled: Vec<u64> = (0..count).map(|_| 1 + next(&mut state) % sides).collect();
        self.host.store(STATE, state.into()).await?;
        let shown: Vec<String> = rolled.iter().map(u64::to_string).collect();
        let sum: u64 = rolled.iter().sum();
        Ok(Reply::text(match shown.as_slice() {
            [one] => format!("🎲 {one}"),
            several => format!("🎲 {} = {sum}", several.join(" + ")),
        }))
    }
}

/// `2d6` as two dice of six sides.
fn parse(text: &str) -> Result<(u64, u64), PluginError> {
    let wrong =
        || PluginError::Arguments(format!("{text:?} is not of the form 2d6, up to 20d1000"));
    let (count, sides) = text.split_once(['d', 'D']).ok_or_else(wrong)?;
    let count = if count.is_empty() { 1 } else { count.parse().map_err(|_| wrong())? };
    let sides = sides.parse().map_err(|_| wrong())?;
    let fits = (1..=20).contains(&count) && (2..=1000).contains(&sides);
    fits.then_some((count, sides)).ok_or_else(wrong)
}

/// FNV-1a over what is different about each message.
fn seed(id: &str, at_ms: i64) -> u64 {
    let bytes = id.bytes().chain(at_ms.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The next number of `splitmix64`.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

firstlight_plugins_api::component!(Dice);

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::testing::{Stage, block_on};

    use super::*;

    #[test]
    fn dice_show_what_they_may_and_not_always_the_same() {
        block_on(async {
            let stage = Stage::<Dice>::load().await.unwrap();
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..50 {
                let said = stage.say("/roll").await.texts().concat();
                let shown: u64 = said.trim_start_matches("🎲 ").parse().unwrap();
                assert!((1..=6).contains(&shown));
                seen.insert(shown);
            }
            assert!(seen.len() > 2);
            assert!(stage.say("/roll 3d4").await.texts().concat().contains(" = "));
        });
    }

    #[test]
    fn what_are_no_dice_is_refused() {
        for text in ["", "d", "0d6", "21d6", "1d1", "1d1001", "2x6", "-1d6"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("d20").unwrap(), (1, 20));
        assert_eq!(parse("2D6").unwrap(), (2, 6));
    }
}
