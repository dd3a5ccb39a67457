//! What the operator can set: the form is settings.json.

use serde::Deserialize;

/// The settings.
#[derive(Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) units: Units,
    pub(crate) language: String,
    pub(crate) place: String,
    pub(crate) forecast_url: String,
    pub(crate) places_url: String,
}

/// What the weather is told in.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Units {
    Metric,
    Imperial,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            units: Units::Metric,
            language: "en".to_owned(),
            place: String::new(),
            forecast_url: "https://api.open-meteo.com".to_owned(),
            places_url: "https://geocoding-api.open-meteo.com".to_owned(),
        }
    }
}
