//! People on platforms, and what they may do.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::session::{InvalidPlatformId, PlatformId};

/// A person on one platform, written `platform:user`.
///
/// User ids of different platforms may collide, so a role is never granted to a bare id.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = "^[^:!]+:.+$"))]
pub struct UserKey {
    /// The platform instance the user id belongs to.
    pub platform: PlatformId,
    /// The platform's own id of the person.
    pub user: String,
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.platform, self.user)
    }
}

impl FromStr for UserKey {
    type Err = InvalidUserKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (platform, user) = text.split_once(':').ok_or(InvalidUserKey::Shape)?;
        if user.is_empty() {
            return Err(InvalidUserKey::Shape);
        }
        Ok(Self { platform: PlatformId::new(platform)?, user: user.to_owned() })
    }
}

impl TryFrom<String> for UserKey {
    type Error = InvalidUserKey;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UserKey> for String {
    fn from(key: UserKey) -> Self {
        key.to_string()
    }
}

/// Why a text is no user key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUserKey {
    /// It lacks one of the two parts.
    #[error("a user is written platform:user, because ids alone are not unique across platforms")]
    Shape,
    /// The platform part is no platform id.
    #[error(transparent)]
    Platform(#[from] InvalidPlatformId),
}

/// What the sender of a message may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Anyone.
    #[default]
    Member,
    /// Listed in the profile that handles the message.
    Admin,
}

impl Role {
    /// The role of a person, given the list of a profile's admins.
    pub fn of(person: &UserKey, admins: &[UserKey]) -> Self {
        if admins.contains(person) { Self::Admin } else { Self::Member }
    }
}

/// Who sent a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sender {
    /// The platform's id of the person.
    pub user_id: String,
    /// The name that the platform shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_on_another_platform_is_another_person() {
        let admins: Vec<UserKey> = vec!["telegram:42".parse().unwrap()];
        assert_eq!(Role::of(&"telegram:42".parse().unwrap(), &admins), Role::Admin);
        assert_eq!(Role::of(&"qq:42".parse().unwrap(), &admins), Role::Member);
    }

    #[test]
    fn a_bare_id_is_no_person() {
        assert_eq!("42".parse::<UserKey>(), Err(InvalidUserKey::Shape));
        assert_eq!("telegram:".parse::<UserKey>(), Err(InvalidUserKey::Shape));
    }

    #[test]
    fn a_user_id_may_hold_colons() {
        let key: UserKey = "matrix:@ann:example.org".parse().unwrap();
        assert_eq!(key.user, "@ann:example.org");
        assert_eq!(key.to_string(), "matrix:@ann:example.org");
    }
}
