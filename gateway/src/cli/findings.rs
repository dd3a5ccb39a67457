//! What `check` and `doctor` report.

use std::borrow::Cow;

use serde::Serialize;

use crate::exit::{Exit, Problem};
use crate::terminal;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warning,
    /// It does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    subject: Cow<'static, str>,
    severity: Severity,
    /// What was seen.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

impl Finding {
    /// As it should be.
    pub(crate) fn ok(subject: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        let (subject, found) = (subject.into(), found.into());
        Self { subject, severity: Severity::Ok, found, advice: None, exit: Exit::Success }
    }

    /// It works, and somebody should look.
    pub(crate) fn warning(
        subject: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let advice = Some(advice.into());
        Self { severity: Severity::Warning, advice, ..Self::ok(subject, found) }
    }

    /// It does not work. The code is what a start would end with.
    pub(crate) fn error(subject: impl Into<Cow<'static, str>>, problem: &Problem) -> Self {
        Self {
            subject: subject.into(),
            severity: Severity::Error,
            found: problem.what().to_owned(),
            advice: Some(problem.advice().to_owned()),
            exit: problem.exit(),
        }
    }

    fn line(&self) -> String {
        let mark = match self.severity {
            Severity::Ok => "ok     ",
            Severity::Warning => "warning",
            Severity::Error => "ERROR  ",
        };
        let advice = self
            .advice
            .as_ref()
            .map(|advice| format!("\n           -> {advice}"))
            .unwrap_or_default();
        format!("{mark}  {}: {}{advice}", self.subject, self.found)
    }
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    findings: &'a [Finding],
}

/// Prints the findings. The exit code is the one of the first error.
pub(crate) fn report(findings: &[Finding], json: bool) -> Result<Exit, Problem> {
    let worst = findings.iter().find(|finding| finding.severity == Severity::Error);
    if json {
        terminal::json(&Report { ok: worst.is_none(), findings })?;
    } else {
        for finding in findings {
            terminal::line(finding.line())?;
        }
    }
    Ok(worst.map_or(Exit::Success, |finding| finding.exit))
}
