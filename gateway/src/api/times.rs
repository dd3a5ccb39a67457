//! Times as the API writes them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Epoch milliseconds as ISO 8601 with the offset of the local zone.
pub fn iso(milliseconds: i64) -> String {
    let at = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let offset = TimeZone::system().to_offset(at);
    at.display_with_offset(offset).to_string()
}
