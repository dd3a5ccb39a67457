//! The answer of `/embeddings`.

use serde::Deserialize;

use crate::providers::error::ProviderError;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedded>,
}

#[derive(Deserialize)]
struct Embedded {
    #[serde(default)]
    index: usize,
    embedding: Vec<f32>,
}

/// One vector for each text, in the order of the texts: the provider may answer in any other.
pub(super) fn vectors(body: &[u8], texts: usize) -> Result<Vec<Vec<f32>>, ProviderError> {
    let malformed = |reason: String| ProviderError::Malformed { reason };
    let mut answer: Answer = serde_json::from_slice(body)
        .map_err(|error| malformed(format!("it holds no list of vectors: {error}")))?;
    answer.data.sort_by_key(|embedded| embedded.index);
    let complete = answer.data.iter().enumerate().all(|(place, one)| place == one.index);
    if answer.data.len() != texts || !complete {
        return Err(malformed("it does not hold one vector for each text".to_owned()));
    }
    Ok(answer.data.into_iter().map(|embedded| embedded.embedding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_in_the_order_of_the_texts_and_none_may_be_missing() {
        let body = br#"{"data":[{"index":1,"embedding":[2.0]},{"index":0,"embedding":[1.0]}]}"#;
        assert_eq!(vectors(body, 2).unwrap(), [[1.0], [2.0]]);
        assert!(vectors(body, 3).is_err());
        let twice = br#"{"data":[{"index":0,"embedding":[2.0]},{"index":0,"embedding":[1.0]}]}"#;
        assert!(vectors(twice, 2).is_err());
        assert!(vectors(b"{}", 0).is_err());
    }
}
