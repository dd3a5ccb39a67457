//! The baseline of `cargo xtask bench`: actix-web and a migrated SQLite file, and nothing else.
//!
//! It answers what the gateway is measured on, without guard, envelope, log or lifecycle, so the
//! ratio between the two is what those cost.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, get, web::Data};
use anyhow::{Context, Result};
use clap::Parser;
use serde_json::Value;
use sqlx::{
    AssertSqlSafe, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

/// The gateway's own schema, so that both sides open the same kind of file.
const SCHEMA: [&str; 2] = [
    include_str!("../../../core/migrations/0001_core.sql"),
    include_str!("../../../core/migrations/0002_documents.sql"),
];

/// Serves one JSON document beside an SQLite pool.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long)]
    listen: SocketAddr,
    /// The SQLite file, made and migrated when absent.
    #[arg(long)]
    database: PathBuf,
    /// A file with the JSON document to answer.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Worker threads; the number of processors when absent.
    #[arg(long)]
    workers: Option<usize>,
}

#[get("/livez")]
async fn livez() -> &'static str {
    "ok"
}

/// The document, serialised for each request as the gateway does.
#[get("/row")]
async fn row(document: Data<Value>) -> HttpResponse {
    HttpResponse::Ok().json(document.as_ref())
}

/// The same as a refusal.
#[get("/refused")]
async fn refused(document: Data<Value>) -> HttpResponse {
    HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "1")).json(document.as_ref())
}

#[actix_web::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let document = match &arguments.json {
        Some(path) => {
            let text = std::fs::read_to_string(path).context("reading the document")?;
            serde_json::from_str(&text)?
        }
        None => Value::Null,
    };
    let document = Data::new(document);
    let pool = Data::new(database(&arguments).await?);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(document.clone())
            .app_data(pool.clone())
            .service(livez)
            .service(row)
            .service(refused)
    })
    .bind(arguments.listen)?;
    if let Some(workers) = arguments.workers {
        server = server.workers(workers);
    }
    Ok(server.run().await?)
}

async fn database(arguments: &Arguments) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(&arguments.database)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePool::connect_with(options).await.context("opening the database")?;
    let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&pool).await?;
    if version == 0 {
        let schema = format!("BEGIN; {} PRAGMA user_version = 1; COMMIT", SCHEMA.concat());
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&pool).await.context("migrating")?;
    }
    Ok(pool)
}
