//! How a command is written, generated from its declaration.

use crate::{Argument, ArgumentKind, Need};

/// One line that says how a command is written: `/roll <dice:int> [times:int=1] [--loud]`.
pub fn usage(prefix: &str, path: &str, arguments: &[Argument]) -> String {
    let mut line = path_usage(prefix, path);
    for argument in arguments {
        line.push(' ');
        line.push_str(&one(argument));
    }
    line
}

/// The command's words with the wake prefix.
pub fn path_usage(prefix: &str, path: &str) -> String {
    format!("{prefix}{path}")
}

fn one(argument: &Argument) -> String {
    let name = &argument.name;
    let value = match &argument.kind {
        ArgumentKind::Text => String::new(),
        ArgumentKind::Int => "int".to_owned(),
        ArgumentKind::Float => "float".to_owned(),
        ArgumentKind::Bool => "bool".to_owned(),
        ArgumentKind::Rest => "...".to_owned(),
        ArgumentKind::Choice(words) => words.join("|"),
        ArgumentKind::Mention => "@".to_owned(),
    };
    let mut inner = match (argument.named, &argument.kind) {
        (true, ArgumentKind::Bool) => format!("--{name}"),
        (true, ArgumentKind::Text) => format!("--{name} …"),
        (true, _) => format!("--{name} {value}"),
        (false, ArgumentKind::Text) => name.clone(),
        (false, ArgumentKind::Rest) => format!("{name}..."),
        (false, _) => format!("{name}:{value}"),
    };
    match &argument.need {
        Need::Required => format!("<{inner}>"),
        Need::Optional => format!("[{inner}]"),
        Need::Default(default) => {
            let default = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
            inner.push('=');
            inner.push_str(&default);
            format!("[{inner}]")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_shows_every_kind() {
        let arguments = [
            Argument::int("dice"),
            Argument::choice("mode", ["fast", "slow"]).default("fast"),
            Argument::mention("who").optional(),
            Argument::bool("loud").named().optional(),
            Argument::int("times").named().default(2),
            Argument::rest("text"),
        ];
        assert_eq!(
            usage("/", "roll", &arguments),
            "/roll <dice:int> [mode:fast|slow=fast] [who:@] [--loud] [--times int=2] <text...>"
        );
    }
}
