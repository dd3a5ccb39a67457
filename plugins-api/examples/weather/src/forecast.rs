//! What the weather is.

use firstlight_plugins_api::{Host, HostError, HttpRequest, PluginError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::places::Place;
use crate::settings::{Settings, Units};

#[derive(Deserialize)]
struct Forecast {
    current: Current,
}

#[derive(Deserialize)]
struct Current {
    temperature_2m: f64,
    wind_speed_10m: f64,
    weather_code: u8,
}

/// The weather of a place at this moment, in one line.
pub(crate) async fn now(
    host: &Host,
    settings: &Settings,
    place: &Place,
) -> Result<String, PluginError> {
    let (temperature, wind, degrees, speed) = match settings.units {
        Units::Metric => ("celsius", "kmh", "°C", "km/h"),
        Units::Imperial => ("fahrenheit", "mph", "°F", "mph"),
    };
    let url = format!(
        "{}/v1/forecast?latitude={}&longitude={}&current=temperature_2m,wind_speed_10m,weather_code\
         &temperature_unit={temperature}&wind_speed_unit={wind}",
        settings.forecast_url.trim_end_matches('/'),
        place.latitude,
        place.longitude,
    );
    let Forecast { current } = answer(host, &url).await?;
    let sky = sky(current.weather_code);
    Ok(format!(
        "{:.1} {degrees}, {sky}, wind {:.0} {speed}",
        current.temperature_2m, current.wind_speed_10m
    ))
}

/// The JSON behind an address, or an error in words.
pub(crate) async fn answer<T: DeserializeOwned>(host: &Host, url: &str) -> Result<T, PluginError> {
    let answer = host.fetch(HttpRequest::get(url)).await.map_err(|error| match error {
        HostError::Remote(_) => {
            PluginError::Failed("The weather service cannot be reached.".into())
        }
        // That it is not allowed, or asks too often, is for the operator.
        other => PluginError::from(other),
    })?;
    if answer.status != 200 {
        let text = format!("The weather service answered {}.", answer.status);
        return Err(PluginError::Failed(text));
    }
    let unread =
        |_| PluginError::Failed("What the weather service said was not understood.".into());
    answer.json().map_err(unread)
}

/// The codes of the World Meteorological Organization, as far as the service uses them.
fn sky(code: u8) -> &'static str {
    match code {
        0 => "clear",
        1 => "mainly clear",
        2 => "partly cloudy",
        3 => "overcast",
        45 | 48 => "fog",
        51..=57 => "drizzle",
        61..=67 => "rain",
        71..=77 => "snow",
        80..=82 => "rain showers",
        85 | 86 => "snow showers",
        95..=99 => "thunderstorm",
        _ => "of a kind I do not know",
    }
}
