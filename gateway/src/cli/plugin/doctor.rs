//! `firstlight plugin doctor`: what is wrong with the installed plugins, and what they need of this
//! machine.

use std::path::Path;

use firstlight_runtime::plugins::LaneKind;

use super::run::Installation;
use crate::cli::findings::{Finding, report};
use crate::exit::{Exit, Problem};
use crate::plugins_control::{Asked, Doctored};

/// Runs the examination.
pub(super) async fn run(here: &Installation, json: bool) -> Result<Exit, Problem> {
    let plugins: Vec<Doctored> = here.ask(Asked::Examine).await?;
    let mut findings: Vec<Finding> = plugins.iter().flat_map(plugin).collect();
    let processes = plugins.iter().any(|plugin| plugin.lane == Some(LaneKind::Process));
    if plugins.is_empty() {
        findings.push(Finding::ok("plugins", "none is installed"));
    }
    findings.push(tool("git", "plugins cannot be installed from repositories", "install git"));
    if processes {
        findings.push(limits());
    }
    report(&findings, json)
}

fn plugin(plugin: &Doctored) -> Vec<Finding> {
    let subject = || format!("plugin {}", plugin.name);
    if let Some(reason) = &plugin.broken {
        let advice = "install it again, or remove it";
        let problem = Problem::new(Exit::Plugin, reason, advice);
        return vec![Finding::error(subject(), &problem)];
    }
    let mut findings = Vec::new();
    if let Some((reason, hint)) = &plugin.failed {
        findings.push(Finding::error(subject(), &Problem::new(Exit::Plugin, reason, hint)));
    }
    if let Some(program) = plugin.program.as_deref().filter(|program| !program.contains('/'))
        && !on_path(program)
    {
        let what = format!("{program}, which it is started with, is not on the PATH");
        findings.push(Finding::warning(subject(), what, format!("install {program}")));
    }
    if !plugin.not_granted.is_empty() {
        let what = format!("it asks for {} and is not allowed", plugin.not_granted.join(", "));
        let advice = "allow it in the dashboard, or leave it: those calls are refused";
        findings.push(Finding::warning(subject(), what, advice));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(subject(), healthy(plugin)));
    }
    findings
}

fn healthy(plugin: &Doctored) -> String {
    let compiled = match plugin.compiled {
        Some(true) => ", compiled",
        Some(false) => ", is compiled when it is loaded",
        None => "",
    };
    let active = if plugin.active { "" } else { ", disabled" };
    format!("whole{compiled}{active}")
}

fn tool(name: &'static str, without: &str, advice: &str) -> Finding {
    if on_path(name) {
        Finding::ok(name, "installed")
    } else {
        Finding::warning(name, format!("not on the PATH: {without}"), advice)
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Whether programs of plugins can be held to their budgets.
fn limits() -> Finding {
    const SUBJECT: &str = "limits of processes";
    let advice = "install only programs that you trust with this machine";
    if !Path::new("/proc/self/stat").is_file() {
        let what = "there is no /proc: memory and processor time of programs are not watched";
        return Finding::warning(SUBJECT, what, advice);
    }
    if !can_limit() {
        let what = "the system lets no limits be set for programs";
        return Finding::warning(SUBJECT, what, advice);
    }
    Finding::ok(SUBJECT, "can be set and watched")
}

#[cfg(target_os = "linux")]
fn can_limit() -> bool {
    use rustix::process::{Resource, getrlimit, prlimit};

    // Set to what it is.
    prlimit(None, Resource::Nofile, getrlimit(Resource::Nofile)).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn can_limit() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dice() -> Doctored {
        Doctored {
            name: "dice".into(),
            lane: Some(LaneKind::Component),
            broken: None,
            program: None,
            compiled: Some(true),
            active: true,
            not_granted: vec![],
            failed: None,
            unenforced: vec![],
        }
    }

    fn found(of: &Doctored) -> String {
        serde_json::to_string(&plugin(of)).unwrap()
    }

    #[test]
    fn each_trouble_of_a_plugin_is_a_finding_of_its_own() {
        assert!(found(&dice()).contains("whole, compiled"));
        let broken = Doctored { broken: Some("the folder is gone".into()), ..dice() };
        assert!(found(&broken).contains("the folder is gone"));
        let many = Doctored {
            failed: Some(("it trapped".into(), "Update it.".into())),
            program: Some("no-such-program-anywhere".into()),
            not_granted: vec!["kv".into()],
            ..dice()
        };
        let text = found(&many);
        assert_eq!(plugin(&many).len(), 3);
        for part in ["it trapped", "Update it.", "no-such-program-anywhere", "asks for kv"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
