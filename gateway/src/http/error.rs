//! One error for every answer that is not a success.
//!
//! The code is API, the sentence is not. `docs/errors.md` is made from the table below; a test
//! refuses a code that was removed or renamed.

use std::borrow::Cow;
use std::error::Error as StdError;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use firstlight_core::messages::Language;
use serde::Serialize;
use serde_json::Value;

use super::language::{Text, pick};
use super::row::Row;

/// Any error, kept as the cause of an [`ApiError`].
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Whether a contract row keeps the status of a code or answers 200 in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The status is part of the contract: the call was refused or broke.
    Real,
    /// The call was served and its answer is no: HTTP 200 in contract rows.
    Business,
}

macro_rules! error_codes {
    ($($variant:ident = $status:ident, $kind:ident, $code:literal, $en:literal, $zh:literal;)*) => {
        /// The stable codes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code { $(#[doc = $en] $variant,)* }

        impl Code {
            /// Every code, in the order of the documents.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The status of the code, where the row does not say otherwise.
            pub fn status(self) -> StatusCode {
                match self { $(Code::$variant => StatusCode::$status,)* }
            }

            /// The code as clients see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)* }
            }

            /// Whether contract rows keep the status.
            pub fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)* }
            }

            /// The general sentence of the code.
            pub fn sentence(self, language: Language) -> &'static str {
                match self { $(Code::$variant => pick(language, $en, $zh),)* }
            }
        }
    };
}

error_codes! {
    RuntimeLoading = SERVICE_UNAVAILABLE, Real, "runtime_loading",
        "The runtime is still loading. Try again shortly.", "运行时仍在加载，请稍后再试。";
    RuntimeFailed = SERVICE_UNAVAILABLE, Real, "runtime_failed",
        "The runtime failed to start. Check the logs, fix the cause and retry.", "运行时启动失败，请查看日志、排除原因后重试。";
    RuntimeStopped = SERVICE_UNAVAILABLE, Real, "runtime_stopped",
        "The runtime was stopped. Start it from the dashboard or with POST /api/runtime/start.", "运行时已停止。请在控制台启动，或调用 POST /api/runtime/start。";
    Unauthenticated = UNAUTHORIZED, Real, "unauthenticated",
        "Not logged in: no session was sent.", "未登录：请求没有携带会话。";
    SessionInvalid = UNAUTHORIZED, Real, "session_invalid",
        "The session is not valid. Log in again.", "会话无效，请重新登录。";
    SessionExpired = UNAUTHORIZED, Real, "session_expired",
        "The session has expired. Log in again.", "会话已过期，请重新登录。";
    KeyMissing = UNAUTHORIZED, Real, "key_missing",
        "No API key was sent.", "请求没有携带 API 密钥。";
    KeyInvalid = UNAUTHORIZED, Real, "key_invalid",
        "The API key is unknown, revoked or expired.", "API 密钥不存在、已吊销或已过期。";
    ScopeMissing = FORBIDDEN, Real, "scope_missing",
        "The API key was not granted the scope that this route asks for.", "API 密钥缺少此接口所需的权限。";
    OriginRefused = FORBIDDEN, Real, "origin_refused",
        "Requests from this origin are refused.", "拒绝来自此来源的请求。";
    RouteUnknown = NOT_FOUND, Real, "route_unknown",
        "There is no such route.", "没有此接口。";
    MethodNotAllowed = METHOD_NOT_ALLOWED, Real, "method_not_allowed",
        "The route exists, but not with this method.", "此接口不支持该方法。";
    BodyInvalid = BAD_REQUEST, Real, "body_invalid",
        "The body is not what this route takes.", "请求体不符合此接口的要求。";
    QueryInvalid = BAD_REQUEST, Real, "query_invalid",
        "The query is not what this route takes.", "查询参数不符合此接口的要求。";
    PathInvalid = BAD_REQUEST, Real, "path_invalid",
        "The path holds a value that this route does not take.", "路径中的参数不符合此接口的要求。";
    UpgradeRequired = BAD_REQUEST, Real, "upgrade_required",
        "This route is a WebSocket.", "此接口是 WebSocket。";
    BodyTooLarge = PAYLOAD_TOO_LARGE, Real, "body_too_large",
        "The body is larger than this route allows.", "请求体超过此接口的上限。";
    BodyTimeout = REQUEST_TIMEOUT, Real, "body_timeout",
        "The body did not arrive in time.", "请求体未能及时到达。";
    Throttled = TOO_MANY_REQUESTS, Real, "throttled",
        "Too many attempts. Wait before the next one.", "尝试次数过多，请稍后再试。";
    Invalid = BAD_REQUEST, Business, "invalid",
        "A value was refused.", "参数无效。";
    NotFound = NOT_FOUND, Business, "not_found",
        "There is no such thing.", "目标不存在。";
    Conflict = CONFLICT, Business, "conflict",
        "It has changed in the meantime, or exists already.", "目标已被修改或已存在。";
    CredentialsWrong = UNAUTHORIZED, Business, "credentials_wrong",
        "The user name or the password is wrong.", "用户名或密码错误。";
    SetupDone = CONFLICT, Business, "setup_done",
        "An account exists already. Log in instead.", "账户已存在，请直接登录。";
    SetupSecretWrong = FORBIDDEN, Business, "setup_secret_wrong",
        "The set-up link is wrong or was used already. Restart Firstlight for a new one.", "设置链接错误或已被使用，重启 Firstlight 可获得新的链接。";
    SetupNeeded = CONFLICT, Business, "setup_needed",
        "There is no account yet. Open the set-up link that was printed at the start.", "尚无账户，请打开启动时打印的设置链接。";
    PasswordWeak = BAD_REQUEST, Business, "password_weak",
        "The password is too short: take at least 8 characters.", "密码过短：至少需要 8 个字符。";
    NothingToChange = BAD_REQUEST, Business, "nothing_to_change",
        "Nothing was given to change.", "没有需要修改的内容。";
    ProviderFailed = BAD_GATEWAY, Business, "provider_failed",
        "The model provider refused or broke the call.", "模型提供商拒绝或中断了请求。";
    PluginFailed = BAD_GATEWAY, Business, "plugin_failed",
        "The plugin failed. Its error is in the list of failed plugins and in the log.", "插件出错，详情见失败插件列表与日志。";
    PluginIncompatible = CONFLICT, Business, "plugin_incompatible",
        "The plugin is made for another version of Firstlight.", "该插件适用于其他版本的 Firstlight。";
    PluginReserved = FORBIDDEN, Business, "plugin_reserved",
        "The plugin is part of the gateway.", "该插件是网关自带的。";
    PluginNeeded = CONFLICT, Business, "plugin_needed",
        "Other plugins need this one.", "其他插件依赖该插件。";
    PluginOriginUnknown = CONFLICT, Business, "plugin_origin_unknown",
        "Nobody knows where a newer version of the plugin may be had.", "无法得知从何处获取该插件的新版本。";
    PackageRefused = BAD_REQUEST, Business, "package_refused",
        "The package of the plugin is not let in.", "插件包不符合要求，已拒绝。";
    ChecksumWrong = BAD_REQUEST, Business, "checksum_wrong",
        "The archive is another one than was asked for.", "压缩包与指定的校验值不符。";
    GitMissing = CONFLICT, Business, "git_missing",
        "Git is not installed where the gateway runs.", "网关所在的机器没有安装 Git。";
    McpFailed = BAD_GATEWAY, Business, "mcp_failed",
        "The MCP server could not be connected.", "无法连接 MCP 服务器。";
    NotApplied = CONFLICT, Business, "not_applied",
        "It was saved, but the running part could not take it over.", "已保存，但运行中的部分未能应用。";
    NotOwner = FORBIDDEN, Business, "not_owner",
        "This belongs to another user.", "该内容属于其他用户。";
    Busy = SERVICE_UNAVAILABLE, Business, "busy",
        "Too many messages are waiting. Try again shortly.", "等待处理的消息过多，请稍后再试。";
    BotNotRunning = CONFLICT, Business, "bot_not_running",
        "The bot is not running: no platform has this id, or it is off or has failed.", "该机器人未运行：没有此平台，或平台已停用、已出错。";
    Unreachable = BAD_GATEWAY, Business, "unreachable",
        "The address does not answer as it should.", "该地址没有正常响应。";
    ProcessEnding = SERVICE_UNAVAILABLE, Real, "process_ending",
        "The process is going down; nothing begins any more.", "进程正在退出，不再接受新的操作。";
    FileGone = NOT_FOUND, Real, "file_gone",
        "There is no such file: the link was used already or has run out.", "文件不存在：链接已被使用或已过期。";
    StorageFailed = INTERNAL_SERVER_ERROR, Real, "storage_failed",
        "The database did not take or give the data. The log says why.", "数据库读写失败，原因见日志。";
    Internal = INTERNAL_SERVER_ERROR, Real, "internal",
        "A bug in Firstlight. The request id finds it in the log.", "Firstlight 内部错误，可凭请求编号在日志中查找。";
}

/// The one error of the gateway.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}", code.as_str(), self.message(Language::English))]
pub struct ApiError {
    code: Code,
    message: Option<Text>,
    data: Option<Value>,
    real_status: bool,
    retry_after: Option<u32>,
    #[source]
    source: Option<BoxError>,
}

/// What rendering an error needs to know about the request.
#[derive(Debug, Clone, Copy)]
pub struct Rendering<'a> {
    pub language: Language,
    pub request_id: Option<&'a str>,
    pub contract: bool,
    pub data_never_null: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    status: &'static str,
    code: &'static str,
    message: &'a str,
    data: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl ApiError {
    /// An error with the general sentence of its code.
    pub fn new(code: Code) -> Self {
        let retry_after = (code == Code::RuntimeLoading).then_some(1);
        Self { code, message: None, data: None, real_status: false, retry_after, source: None }
    }

    /// An error with a sentence of its own.
    pub fn with(code: Code, message: impl Into<Text>) -> Self {
        Self { message: Some(message.into()), ..Self::new(code) }
    }

    /// A bug, or something that nobody foresaw. The cause goes to the log only.
    pub fn internal(source: impl Into<BoxError>) -> Self {
        Self::new(Code::Internal).caused_by(source)
    }

    /// Keeps the cause for the log. It is never sent.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds data to the answer.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Keeps the real status in a contract row, where the contract says so.
    #[must_use]
    pub fn real_status(mut self) -> Self {
        self.real_status = true;
        self
    }

    /// Tells the caller when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The sentence that the caller reads.
    pub fn message(&self, language: Language) -> Cow<'_, str> {
        match &self.message {
            Some(text) => text.in_language(language),
            None => Cow::Borrowed(self.code.sentence(language)),
        }
    }

    /// Builds the answer.
    pub fn render(&self, how: Rendering<'_>) -> HttpResponse {
        let keeps_status = self.real_status || !how.contract || self.code.kind() == Kind::Real;
        let status = if keeps_status { self.code.status() } else { StatusCode::OK };
        let empty = Value::Object(serde_json::Map::new());
        let body = Body {
            status: "error",
            code: self.code.as_str(),
            message: &self.message(how.language),
            data: self.data.as_ref().or(how.data_never_null.then_some(&empty)),
            request_id: how.request_id,
        };
        let mut response = HttpResponseBuilder::new(status);
        response.insert_header((CONTENT_TYPE, HeaderValue::from_static("application/json")));
        if let Some(seconds) = self.retry_after {
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        response.body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

impl<'a> Rendering<'a> {
    /// How a row's errors are rendered.
    pub fn of(row: &Row, language: Language, request_id: &'a str) -> Self {
        Self {
            language,
            request_id: Some(request_id),
            contract: row.contract,
            data_never_null: row.data_never_null,
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    /// The form for errors that leave outside of a row. Inside, the guard renders again with the
    /// caller's language and the request id.
    fn error_response(&self) -> HttpResponse {
        self.render(Rendering {
            language: Language::English,
            request_id: None,
            contract: false,
            data_never_null: false,
        })
    }
}
