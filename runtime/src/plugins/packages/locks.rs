//! One change at a time for each plugin.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;

/// Locks by name. One that nobody holds is forgotten.
#[derive(Default)]
pub(super) struct NameLocks(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl NameLocks {
    /// Waits until nobody else holds the name.
    pub(super) async fn hold(&self, name: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock();
            locks.retain(|_, lock| lock.strong_count() > 0);
            let held = locks.get(name).and_then(Weak::upgrade);
            held.unwrap_or_else(|| {
                let new = Arc::default();
                locks.insert(name.to_owned(), Arc::downgrade(&new));
                new
            })
        };
        lock.lock_owned().await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_has_one_holder_and_names_do_not_wait_for_each_other() {
        let locks = NameLocks::default();
        let held = locks.hold("a").await;
        let _other = locks.hold("b").await;
        assert!(timeout(Duration::from_secs(1), locks.hold("a")).await.is_err());
        drop(held);
        let _again = locks.hold("a").await;
        assert_eq!(locks.0.lock().len(), 2);
    }
}
