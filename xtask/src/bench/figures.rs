//! Named results with their baseline, printed as a table and written as JSON.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::table;

/// One measured value.
#[derive(Serialize)]
struct Figure {
    value: f64,
    unit: &'static str,
    baseline: Option<f64>,
    ratio: Option<f64>,
}

/// The results of one bench in the order of their names.
#[derive(Default)]
pub(super) struct Figures(BTreeMap<&'static str, Figure>);

impl Figures {
    /// Adds a value and what the bare server needed for the same.
    pub(super) fn add(
        &mut self,
        name: &'static str,
        unit: &'static str,
        value: f64,
        baseline: Option<f64>,
    ) {
        let ratio = baseline.filter(|base| *base > 0.0).map(|base| round(value / base));
        let baseline = baseline.map(round);
        self.0.insert(name, Figure { value: round(value), unit, baseline, ratio });
    }

    /// A value that was added, or NaN.
    pub(super) fn value(&self, name: &str) -> f64 {
        self.0.get(name).map_or(f64::NAN, |figure| figure.value)
    }

    /// The table for people.
    pub(super) fn print(&self) {
        let or_dash = |number: Option<f64>| number.map_or("-".to_owned(), |each| each.to_string());
        let rows: Vec<Vec<String>> = self
            .0
            .iter()
            .map(|(name, figure)| {
                vec![
                    (*name).to_owned(),
                    figure.value.to_string(),
                    or_dash(figure.baseline),
                    or_dash(figure.ratio),
                    figure.unit.to_owned(),
                ]
            })
            .collect();
        table::print(&["figure", "value", "baseline", "ratio", "unit"], &rows);
    }

    /// The file for programs.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(&self.0)?;
        fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

/// Two decimals: the noise is larger than what is cut off.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// The middle value; of an even number the mean of the two in the middle.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.get(middle.wrapping_sub(1))) {
        (Some(upper), Some(lower)) if sorted.len().is_multiple_of(2) => {
            f64::midpoint(*upper, *lower)
        }
        (Some(upper), _) => *upper,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::{Figures, median};

    #[test]
    fn the_median_is_in_the_middle_of_the_sorted_values() {
        assert!((median(&[9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }

    #[test]
    fn the_file_has_value_unit_baseline_and_ratio_by_name() {
        let mut figures = Figures::default();
        figures.add("listen_ms", "ms", 10.0, Some(4.0));
        figures.add("ready_ms", "ms", 20.0, None);
        assert_eq!(
            serde_json::to_value(&figures.0).unwrap(),
            serde_json::json!({
                "listen_ms": { "value": 10.0, "unit": "ms", "baseline": 4.0, "ratio": 2.5 },
                "ready_ms": { "value": 20.0, "unit": "ms", "baseline": null, "ratio": null },
            })
        );
    }
}
