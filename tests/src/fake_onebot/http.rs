//! The fake as sender of HTTP callbacks: signed, and sent again until they are taken.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Client;
use serde_json::Value;
use sha1::Sha1;

use super::shared::Shared;

/// Between two attempts to deliver an event.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an acknowledgement is waited for.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().timeout(DEADLINE).build()?)
}

/// Posts until it is acknowledged; answers with how often that took.
pub(super) async fn deliver(shared: &Shared, client: &Client, event: &Value) -> Result<u32> {
    let mut attempts = 1;
    while !matches!(post(shared, client, event).await, Ok(status) if (200..300).contains(&status)) {
        tokio::time::sleep(PAUSE).await;
        attempts += 1;
    }
    Ok(attempts)
}

/// Posts once, and answers with the status.
pub(super) async fn post(shared: &Shared, client: &Client, event: &Value) -> Result<u16> {
    let body = event.to_string();
    let url = shared.gateway.borrow().clone();
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", "OneBot/11")
        .header("x-self-id", shared.account.self_id);
    if let Some(secret) = &shared.account.secret {
        request = request.header("x-signature", sign(secret, body.as_bytes())?);
    }
    Ok(request.body(body).send().await?.status().as_u16())
}

/// The value of `X-Signature`.
fn sign(secret: &str, body: &[u8]) -> Result<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).context("any key will do")?;
    mac.update(body);
    let mut signature = "sha1=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}")?;
    }
    Ok(signature)
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        // RFC 2202, test case 2.
        let signature = sign("Jefe", b"what do ya want for nothing?").unwrap();
        assert_eq!(signature, "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    }
}
