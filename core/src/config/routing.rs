//! Which session uses which profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::SessionKey;

use super::glob;
use super::problem::{Problem, unique};

/// The document `routing`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct RoutingConfig {
    /// The rules.
    pub routes: Vec<Route>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Route {
    /// A pattern over session keys: three parts with `:` between them, each empty (any) or a
    /// shell-style pattern. `telegram::` is one platform, `::` is everything.
    pub umo: String,
    /// The profile.
    pub conf_id: String,
}

impl Route {
    fn parts(&self) -> Option<[&str; 3]> {
        let mut parts = self.umo.splitn(3, ':');
        Some([parts.next()?, parts.next()?, parts.next()?])
    }

    /// How exactly the rule fits the session, if it fits: more parts spelt out, then more letters
    /// spelt out.
    fn fit(&self, session: &SessionKey) -> Option<(usize, usize)> {
        let parts = self.parts()?;
        let actual = [session.platform().as_str(), session.kind().as_str(), session.session()];
        let fits = parts
            .iter()
            .zip(actual)
            .all(|(pattern, actual)| pattern.is_empty() || glob::fits(pattern, actual));
        let literal =
            parts.iter().filter(|part| !part.is_empty() && glob::is_literal(part)).count();
        let letters = self.umo.chars().filter(|letter| !matches!(letter, '*' | '?')).count();
        fits.then_some((literal, letters))
    }
}

impl RoutingConfig {
    /// The profile of the rule that fits the session most exactly.
    ///
    /// The order of the rules decides only between rules that are equally exact: the first wins.
    /// (A rule for one session set later must beat the rule for everything set before.)
    pub fn route(&self, session: &SessionKey) -> Option<&str> {
        let fitting = self.routes.iter().filter_map(|route| Some((route.fit(session)?, route)));
        // `max_by_key` takes the last of equals, hence the reversal.
        let (_, best) = fitting.rev().max_by_key(|(fit, _)| *fit)?;
        Some(&best.conf_id)
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        for (index, route) in self.routes.iter().enumerate() {
            if route.parts().is_none() {
                let message = "a pattern has three parts: platform:type:session";
                problems.push(Problem::new(format!("/routes/{index}/umo"), message));
            }
            if route.conf_id.is_empty() {
                let pointer = format!("/routes/{index}/conf_id");
                problems.push(Problem::new(pointer, "a profile id is missing"));
            }
        }
        let patterns = self.routes.iter().map(|route| route.umo.as_str());
        unique(patterns, |index| format!("/routes/{index}/umo"), problems);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing(routes: &[(&str, &str)]) -> RoutingConfig {
        let routes = routes
            .iter()
            .map(|(umo, conf_id)| Route { umo: (*umo).into(), conf_id: (*conf_id).into() })
            .collect();
        RoutingConfig { routes }
    }

    #[test]
    fn the_most_exact_rule_wins_wherever_it_stands() {
        let table = routing(&[
            ("::", "all"),
            ("qq::", "qq"),
            ("qq:GroupMessage:", "groups"),
            ("qq:GroupMessage:1*", "ones"),
            ("qq:GroupMessage:123", "exact"),
        ]);
        let check = |session: &str, expected: &str| {
            assert_eq!(table.route(&session.parse().unwrap()), Some(expected), "{session}");
        };
        check("qq:GroupMessage:123", "exact");
        check("qq:GroupMessage:124", "ones");
        check("qq:GroupMessage:5", "groups");
        check("qq:FriendMessage:5", "qq");
        check("telegram:FriendMessage:5", "all");
    }

    #[test]
    fn of_equally_exact_rules_the_first_wins() {
        let table = routing(&[("a*::", "first"), ("*b::", "second")]);
        assert_eq!(table.route(&"ab:OtherMessage:x".parse().unwrap()), Some("first"));
        assert_eq!(table.route(&"cc:OtherMessage:x".parse().unwrap()), None);
    }

    #[test]
    fn malformed_rules_are_refused_with_their_place() {
        let mut problems = Vec::new();
        routing(&[("qq:", "a"), ("::", ""), ("::", "b")]).check(&mut problems);
        let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, ["/routes/0/umo", "/routes/1/conf_id", "/routes/2/umo"]);
    }
}
