//! The named steps of a message's way, and of changes to plugins, at which a test ends the process.
//!
//! [`Point::pass`] stands in the code that makes the step, and does nothing at all in a build without
//! the feature `faults`. With it, `{"exits": {"turn-leased": 3}}` in the faults file aborts the process
//! the third time that it comes by: no destructor runs and nothing is flushed, as with `kill -9`.

/// A step of the message path, or of installing and removing a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "faults", derive(serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Point {
    /// A received message is written, and not committed.
    AcceptUncommitted,
    /// It is committed, and the platform does not know yet.
    AcceptCommitted,
    /// Its turn has been leased.
    TurnLeased,
    /// The model has said the first part of its answer.
    ModelAnswering,
    /// What came of the turn is written, and not committed.
    FinishUncommitted,
    /// It is committed, and nobody has begun to send it.
    FinishCommitted,
    /// A message to be sent has been leased.
    OutboxLeased,
    /// It is about to be written to the platform.
    FrameUnwritten,
    /// It is written, and the platform has not answered.
    FrameWritten,
    /// The platform has answered, and nothing of that is stored.
    FrameAnswered,
    /// That it was sent is committed.
    SentCommitted,
    /// A plugin's package is ready beside the installed ones, and none of them.
    PluginStaged,
    /// Its folder is in place, and no row names it.
    PluginMoved,
    /// Its row is committed, and the folder that it replaces is still there.
    PluginRowWritten,
    /// The folder that it replaces is gone.
    PluginOldRemoved,
    /// The row of a plugin is gone, and its folder is still there.
    PluginRowRemoved,
    /// The folder of the data of a removed plugin is gone, as was wished, and that is not noted yet.
    PluginDataRemoved,
}

impl Point {
    /// Those of a message, in the order in which it comes by.
    pub const MESSAGES: [Self; 11] = [
        Self::AcceptUncommitted,
        Self::AcceptCommitted,
        Self::TurnLeased,
        Self::ModelAnswering,
        Self::FinishUncommitted,
        Self::FinishCommitted,
        Self::OutboxLeased,
        Self::FrameUnwritten,
        Self::FrameWritten,
        Self::FrameAnswered,
        Self::SentCommitted,
    ];

    /// Those of a plugin: of its installation or update, then of its removal.
    pub const PLUGINS: [Self; 6] = [
        Self::PluginStaged,
        Self::PluginMoved,
        Self::PluginRowWritten,
        Self::PluginOldRemoved,
        Self::PluginRowRemoved,
        Self::PluginDataRemoved,
    ];

    /// All of them, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::MESSAGES.into_iter().chain(Self::PLUGINS)
    }

    /// Its name in the faults file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AcceptUncommitted => "accept-uncommitted",
            Self::AcceptCommitted => "accept-committed",
            Self::TurnLeased => "turn-leased",
            Self::ModelAnswering => "model-answering",
            Self::FinishUncommitted => "finish-uncommitted",
            Self::FinishCommitted => "finish-committed",
            Self::OutboxLeased => "outbox-leased",
            Self::FrameUnwritten => "frame-unwritten",
            Self::FrameWritten => "frame-written",
            Self::FrameAnswered => "frame-answered",
            Self::SentCommitted => "sent-committed",
            Self::PluginStaged => "plugin-staged",
            Self::PluginMoved => "plugin-moved",
            Self::PluginRowWritten => "plugin-row-written",
            Self::PluginOldRemoved => "plugin-old-removed",
            Self::PluginRowRemoved => "plugin-row-removed",
            Self::PluginDataRemoved => "plugin-data-removed",
        }
    }

    /// Says that a message or a plugin comes by here. The process ends if the faults file wants it to.
    #[inline]
    pub fn pass(self) {
        #[cfg(feature = "faults")]
        armed::pass(self);
    }
}

#[cfg(feature = "faults")]
pub(crate) mod armed {
    //! The points that the faults file of this process names.

    use std::collections::BTreeMap;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Point;

    static EXITS: OnceLock<BTreeMap<Point, AtomicU32>> = OnceLock::new();

    /// The first faults file of a process arms its points; it has no other.
    pub(crate) fn arm(exits: &BTreeMap<Point, u32>) {
        let count = |(point, passages): (&Point, &u32)| (*point, AtomicU32::new(*passages));
        EXITS.get_or_init(|| exits.iter().map(count).collect());
    }

    pub(super) fn pass(point: Point) {
        let Some(left) = EXITS.get().and_then(|exits| exits.get(&point)) else { return };
        // One passage only sees the last one left; those behind it wrap around, and do not matter.
        if left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Point;

    #[test]
    fn the_points_are_in_order_and_their_names_are_distinct() {
        assert!(Point::all().is_sorted());
        let names: std::collections::BTreeSet<_> = Point::all().map(Point::as_str).collect();
        assert_eq!(names.len(), Point::all().count());
    }

    #[cfg(feature = "faults")]
    #[test]
    fn the_faults_file_knows_each_point_by_its_name() {
        for point in Point::all() {
            let read: Point = serde_json::from_value(point.as_str().into()).unwrap();
            assert_eq!(read, point);
        }
    }
}
