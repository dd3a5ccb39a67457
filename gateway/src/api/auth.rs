//! Logging in and out, setting up, and changing credentials.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::http::header::USER_AGENT;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::auth::{AuthError, COOKIE, Client, Edit, LoggedIn};
use crate::http::{Answer, ClientAddress, Empty, Json, Reply, Session};

/// Name and password.
#[derive(Deserialize, JsonSchema)]
pub struct Credentials {
    username: String,
    password: String,
}

/// A fresh log-in. The same token is set as the page's cookie.
#[derive(Serialize, JsonSchema)]
pub struct Welcome {
    /// To be sent as `Authorization: Bearer`.
    token: String,
    username: String,
    /// Always false: there is no default password.
    change_pwd_hint: bool,
}

/// The first account.
#[derive(Deserialize, JsonSchema)]
pub struct FirstAccount {
    /// The secret of the set-up link.
    secret: String,
    username: String,
    password: String,
}

/// Whether there is no account yet.
#[derive(Serialize, JsonSchema)]
pub struct SetupState {
    needed: bool,
}

/// New credentials. What is absent stays.
#[derive(Deserialize, JsonSchema)]
pub struct NewCredentials {
    /// The current password.
    password: String,
    #[serde(default)]
    new_password: Option<String>,
    #[serde(default)]
    confirm_password: Option<String>,
    #[serde(default)]
    new_username: Option<String>,
}

/// Who is logged in.
#[derive(Serialize, JsonSchema)]
pub struct Me {
    username: String,
    session_id: String,
}

/// `POST /api/auth/login`
pub async fn log_in(
    app: Data<App>,
    from: ClientAddress,
    http: HttpRequest,
    Json(given): Json<Credentials>,
) -> Answer<Welcome> {
    let client = client(from, &http);
    match app.auth.log_in(&given.username, given.password, client).await {
        Ok(logged_in) => Ok(welcome(logged_in, from)),
        Err(AuthError::CredentialsWrong) if app.auth.needs_setup().await? => {
            Err(AuthError::SetupNeeded.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// `GET /api/auth/setup`
pub async fn setup_state(app: Data<App>) -> Answer<SetupState> {
    Ok(Reply::data(SetupState { needed: app.auth.needs_setup().await? }))
}

/// `POST /api/auth/setup`
pub async fn set_up(
    app: Data<App>,
    from: ClientAddress,
    http: HttpRequest,
    Json(given): Json<FirstAccount>,
) -> Answer<Welcome> {
    let client = client(from, &http);
    let done = app.auth.set_up(&given.secret, &given.username, given.password, client).await?;
    Ok(welcome(done, from))
}

/// `POST /api/auth/logout`
pub async fn log_out(
    app: Data<App>,
    from: ClientAddress,
    Session(caller): Session,
) -> Answer<Empty> {
    app.auth.revoke(&caller.account_id, &caller.session_id).await?;
    Ok(Reply::done().cookie(cookie(String::new(), from, time::Duration::ZERO)))
}

/// `GET /api/auth/me`
pub async fn me(Session(caller): Session) -> Answer<Me> {
    let (username, session_id) = (caller.username.clone(), caller.session_id.clone());
    Ok(Reply::data(Me { username, session_id }))
}

/// `POST /api/auth/account/edit`
pub async fn edit(
    app: Data<App>,
    from: ClientAddress,
    Session(caller): Session,
    Json(given): Json<NewCredentials>,
) -> Answer<Empty> {
    let edit = Edit {
        current_password: given.password,
        new_password: given.new_password,
        confirmation: given.confirm_password,
        new_username: given.new_username,
    };
    app.auth.edit(&caller, edit, from.address).await?;
    Ok(Reply::done().message("The account was changed."))
}

fn client(from: ClientAddress, http: &HttpRequest) -> Client {
    let agent = http.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Client { address: from.address, user_agent: agent.unwrap_or_default().to_owned() }
}

fn welcome(logged_in: LoggedIn, from: ClientAddress) -> Reply<Welcome> {
    let seconds = i64::try_from(logged_in.lifetime.as_secs()).unwrap_or(i64::MAX);
    let cookie = cookie(logged_in.token.clone(), from, time::Duration::seconds(seconds));
    let LoggedIn { token, username, .. } = logged_in;
    Reply::data(Welcome { token, username, change_pwd_hint: false }).cookie(cookie)
}

/// The page's cookie. `Secure` only where a trusted proxy says that the page was loaded over TLS:
/// on plain HTTP the browser would drop it.
fn cookie(token: String, from: ClientAddress, age: time::Duration) -> Cookie<'static> {
    Cookie::build(COOKIE, token)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(from.secure)
        .max_age(age)
        .finish()
}
