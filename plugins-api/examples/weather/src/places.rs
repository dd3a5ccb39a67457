//! Where a place is. That does not change, so it is kept.

use firstlight_plugins_api::{Host, PluginError};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::forecast::answer;
use crate::settings::Settings;

/// A place.
#[derive(Serialize, Deserialize)]
pub(crate) struct Place {
    /// Its name with its country.
    pub(crate) name: String,
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

#[derive(Deserialize)]
struct Found {
    #[serde(default)]
    results: Vec<Hit>,
}

#[derive(Deserialize)]
struct Hit {
    name: String,
    #[serde(default)]
    country: String,
    latitude: f64,
    longitude: f64,
}

/// Finds a place by its name.
pub(crate) async fn find(
    host: &Host,
    settings: &Settings,
    name: &str,
) -> Result<Place, PluginError> {
    let key = format!("place:{}:{}", settings.language, name.to_lowercase());
    if let Some(kept) = host.load(&key).await?.and_then(|kept| serde_json::from_value(kept).ok()) {
        return Ok(kept);
    }
    let url = format!(
        "{}/v1/search?name={}&count=1&language={}",
        settings.places_url.trim_end_matches('/'),
        encoded(name),
        settings.language
    );
    let found: Found = answer(host, &url).await?;
    let hit = found.results.into_iter().next();
    let hit =
        hit.ok_or_else(|| PluginError::Failed(format!("There is no place called {name:?}.")))?;
    let name = match hit.country.as_str() {
        "" => hit.name,
        country => format!("{}, {country}", hit.name),
    };
    let place = Place { name, latitude: hit.latitude, longitude: hit.longitude };
    host.store(&key, json!(place)).await?;
    Ok(place)
}

/// A text as a part of an address.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::encoded;

    #[test]
    fn a_name_cannot_add_to_an_address() {
        assert_eq!(encoded("Rio & x=1/é"), "Rio%20%26%20x%3D1%2F%C3%A9");
    }
}
