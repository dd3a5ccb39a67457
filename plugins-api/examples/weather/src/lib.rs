//! Tells the weather: `/weather Lisbon`, and a tool by which the model asks for it.

mod forecast;
mod places;
mod settings;

use firstlight_plugins_api::{
    Argument, Call, Handler, Host, Manifest, Plugin, PluginError, Reply, Tool, Version,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::settings::Settings;

/// The plugin.
pub struct Weather {
    host: Host,
}

/// What the model gives the tool.
#[derive(Deserialize, JsonSchema)]
struct Wanted {
    /// The place, such as a town.
    place: String,
}

impl Plugin for Weather {
    fn manifest() -> Manifest {
        Manifest::new("weather", Version::new(1, 0, 0))
    }

    async fn load(host: Host) -> Result<Self, PluginError> {
        Ok(Self { host })
    }

    fn handlers(&self) -> Vec<Handler> {
        let command = Handler::command("weather").about("Tells the weather of a place.");
        vec![command.argument(Argument::rest("place").optional())]
    }

    async fn handle(&self, call: Call) -> Result<Reply, PluginError> {
        let settings: Settings = self.host.settings()?;
        let named = call.arguments.text("place").map(str::trim).filter(|place| !place.is_empty());
        let place = named.unwrap_or(&settings.place);
        if place.is_empty() {
            return Err(PluginError::Arguments("name a place: /weather Lisbon".to_owned()));
        }
        Ok(Reply::text(self.weather(&settings, place).await?))
    }

    fn tools(&self) -> Vec<Tool> {
        vec![Tool::with_arguments::<Wanted>("weather", "The weather of a place at this moment.")]
    }

    async fn call_tool(&self, _name: &str, arguments: Value) -> Result<Value, PluginError> {
        let wanted: Wanted = serde_json::from_value(arguments)
            .map_err(|error| PluginError::Arguments(error.to_string()))?;
        let settings: Settings = self.host.settings()?;
        Ok(json!({ "weather": self.weather(&settings, &wanted.place).await? }))
    }
}

impl Weather {
    async fn weather(&self, settings: &Settings, place: &str) -> Result<String, PluginError> {
        let place = places::find(&self.host, settings, place).await?;
        let forecast = forecast::now(&self.host, settings, &place).await?;
        Ok(format!("{}: {forecast}", place.name))
    }
}

firstlight_plugins_api::component!(Weather);

#[cfg(test)]
mod tests {
    use firstlight_plugins_api::testing::{FakeHost, Stage, block_on};

    use super::*;

    const FOUND: &str = r#"{"results": [
        {"name": "Lisbon", "country": "Portugal", "latitude": 38.7167, "longitude": -9.1333}
    ]}"#;
    const NOW: &str = r#"{"current": {
        "temperature_2m": 21.46, "wind_speed_10m": 12.0, "weather_code": 2
    }}"#;
    const SEARCH: &str =
        "https://geocoding-api.open-meteo.com/v1/search?name=Lisbon&count=1&language=en";
    const FORECAST: &str = "https://api.open-meteo.com/v1/forecast?latitude=38.7167&longitude=-9.1333\
        &current=temperature_2m,wind_speed_10m,weather_code&temperature_unit=celsius&wind_speed_unit=kmh";

    fn sunny() -> FakeHost {
        FakeHost::default().page(SEARCH, 200, FOUND).page(FORECAST, 200, NOW)
    }

    #[test]
    fn a_place_is_found_once_and_its_weather_told() {
        block_on(async {
            let stage = Stage::<Weather>::load_with(sunny()).await.unwrap();
            let told = "Lisbon, Portugal: 21.5 °C, partly cloudy, wind 12 km/h";
            assert_eq!(stage.say("/weather Lisbon").await.texts(), [told]);
            assert_eq!(stage.say("/weather  LISBON ").await.texts(), [told]);
            assert_eq!(stage.host().requests().len(), 3, "the place was looked for twice");
        });
    }

    #[test]
    fn the_model_asks_by_a_tool() {
        block_on(async {
            let stage = Stage::<Weather>::load_with(sunny()).await.unwrap();
            let tool = &stage.plugin().tools()[0];
            assert_eq!(tool.parameters["required"], json!(["place"]));
            let told = stage.plugin().call_tool("weather", json!({ "place": "Lisbon" })).await;
            assert!(told.unwrap()["weather"].as_str().unwrap().starts_with("Lisbon, Portugal: "));
            assert!(stage.plugin().call_tool("weather", json!({})).await.is_err());
        });
    }

    #[test]
    fn settings_choose_units_server_and_place() {
        block_on(async {
            let settings = json!({
                "units": "imperial", "language": "pt", "place": "Lisboa",
                "places_url": "http://127.0.0.1:1", "forecast_url": "http://127.0.0.1:2/",
            });
            let search = "http://127.0.0.1:1/v1/search?name=Lisboa&count=1&language=pt";
            let forecast = "http://127.0.0.1:2/v1/forecast?latitude=38.7167&longitude=-9.1333\
                &current=temperature_2m,wind_speed_10m,weather_code&temperature_unit=fahrenheit\
                &wind_speed_unit=mph";
            let host = FakeHost::with_settings(settings);
            let host = host.page(search, 200, FOUND).page(forecast, 200, NOW);
            let stage = Stage::<Weather>::load_with(host).await.unwrap();
            let told = stage.say("/weather").await.texts();
            assert_eq!(told, ["Lisbon, Portugal: 21.5 °F, partly cloudy, wind 12 mph"]);
        });
    }

    #[test]
    fn what_goes_wrong_is_said_in_words() {
        let said = |host: FakeHost, text: &'static str| {
            block_on(async {
                let stage = Stage::<Weather>::load_with(host).await.unwrap();
                stage.say(text).await.texts().concat()
            })
        };
        assert!(said(FakeHost::default(), "/weather").contains("name a place"));
        let nowhere = FakeHost::default().page(SEARCH, 200, "{}");
        assert!(said(nowhere, "/weather Lisbon").contains("no place called \"Lisbon\""));
        let away = said(FakeHost::default(), "/weather Lisbon");
        assert!(away.contains("cannot be reached"), "{away}");
        let broken = FakeHost::default().page(SEARCH, 503, "busy");
        assert!(said(broken, "/weather Lisbon").contains("answered 503"));
        let odd = FakeHost::default().page(SEARCH, 200, FOUND).page(FORECAST, 200, "[]");
        assert!(said(odd, "/weather Lisbon").contains("was not understood"));
    }
}
