//! Projects: folders of chat sessions on the chat page.

use uuid::Uuid;

use super::database::now;
use super::{ChatSession, Database, DbError};

/// A project to be stored.
#[derive(Debug, Clone)]
pub struct NewProject {
    /// The user it belongs to.
    pub creator: String,
    /// What it is called.
    pub title: String,
    /// A sign that is shown beside the title.
    pub emoji: Option<String>,
    /// What it is about.
    pub description: Option<String>,
}

/// A stored project.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Project {
    /// Its id.
    pub project_id: String,
    /// The user it belongs to.
    pub creator: String,
    /// What it is called.
    pub title: String,
    /// A sign that is shown beside the title.
    pub emoji: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it was changed last.
    pub updated_at: i64,
}

/// What is to be changed of a project; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct ProjectChanges {
    /// What it is called.
    pub title: Option<String>,
    /// A sign that is shown beside the title.
    pub emoji: Option<String>,
    /// What it is about.
    pub description: Option<String>,
}

/// The projects.
#[derive(Clone)]
pub struct Projects {
    database: Database,
}

impl Projects {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Stores a project.
    pub async fn create(&self, new: NewProject) -> Result<Project, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let project = sqlx::query_as(
                        "INSERT INTO projects
                             (project_id, creator, title, emoji, description, created_at, updated_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) RETURNING *",
                    )
                    .bind(Uuid::new_v4().to_string())
                    .bind(new.creator)
                    .bind(new.title)
                    .bind(new.emoji)
                    .bind(new.description)
                    .bind(now())
                    .fetch_one(connection)
                    .await?;
                    Ok(project)
                })
            })
            .await
    }

    /// The project of that id.
    pub async fn by_id(&self, project_id: &str) -> Result<Option<Project>, DbError> {
        let project = sqlx::query_as("SELECT * FROM projects WHERE project_id = ?")
            .bind(project_id.to_owned())
            .fetch_optional(self.database.readers())
            .await?;
        Ok(project)
    }

    /// The projects of a user, the latest first.
    pub async fn list(&self, creator: &str) -> Result<Vec<Project>, DbError> {
        let projects = sqlx::query_as(
            "SELECT * FROM projects WHERE creator = ? ORDER BY updated_at DESC, rowid DESC",
        )
        .bind(creator.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(projects)
    }

    /// Changes a project. False when there is no such project.
    pub async fn update(&self, project_id: &str, changes: ProjectChanges) -> Result<bool, DbError> {
        let project_id = project_id.to_owned();
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let done = sqlx::query(
                        "UPDATE projects SET title = coalesce(?, title), emoji = coalesce(?, emoji),
                             description = coalesce(?, description), updated_at = ?
                         WHERE project_id = ?",
                    )
                    .bind(changes.title)
                    .bind(changes.emoji)
                    .bind(changes.description)
                    .bind(now())
                    .bind(project_id)
                    .execute(connection)
                    .await?;
                    Ok(done.rows_affected() > 0)
                })
            })
            .await
    }

    /// Forgets a project; its sessions stay. False when there is no such project.
    pub async fn delete(&self, project_id: &str) -> Result<bool, DbError> {
        self.change("DELETE FROM projects WHERE project_id = ?", [project_id.to_owned()]).await
    }

    /// Puts a session into a project, out of any other. False when one of them is not there.
    pub async fn add_session(&self, project_id: &str, session_id: &str) -> Result<bool, DbError> {
        self.change(
            "INSERT INTO project_sessions (session_id, project_id)
             SELECT session_id, project_id FROM platform_sessions, projects
             WHERE session_id = ? AND project_id = ?
             ON CONFLICT (session_id) DO UPDATE SET project_id = excluded.project_id",
            [session_id.to_owned(), project_id.to_owned()],
        )
        .await
    }

    /// Takes a session out of its project. False when it was in none.
    pub async fn remove_session(&self, session_id: &str) -> Result<bool, DbError> {
        let sql = "DELETE FROM project_sessions WHERE session_id = ?";
        self.change(sql, [session_id.to_owned()]).await
    }

    /// The sessions of a project, the latest first.
    pub async fn sessions(&self, project_id: &str) -> Result<Vec<ChatSession>, DbError> {
        let sessions = sqlx::query_as(
            "SELECT platform_sessions.* FROM project_sessions
             JOIN platform_sessions USING (session_id)
             WHERE project_id = ? ORDER BY updated_at DESC, platform_sessions.rowid DESC",
        )
        .bind(project_id.to_owned())
        .fetch_all(self.database.readers())
        .await?;
        Ok(sessions)
    }

    /// The project that a session is in.
    pub async fn of_session(&self, session_id: &str) -> Result<Option<Project>, DbError> {
        let project = sqlx::query_as(
            "SELECT projects.* FROM project_sessions JOIN projects USING (project_id)
             WHERE session_id = ?",
        )
        .bind(session_id.to_owned())
        .fetch_optional(self.database.readers())
        .await?;
        Ok(project)
    }

    async fn change<const N: usize>(
        &self,
        sql: &'static str,
        values: [String; N],
    ) -> Result<bool, DbError> {
        self.database
            .write(move |connection| {
                Box::pin(async move {
                    let mut query = sqlx::query(sql);
                    for value in values {
                        query = query.bind(value);
                    }
                    Ok(query.execute(connection).await?.rows_affected() > 0)
                })
            })
            .await
    }
}
