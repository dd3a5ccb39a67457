//! A short run on several threads: the same rules hold when everything really is concurrent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::script::{Behaviour, GOOD, Generation, LIMITS, Scripted, Start, Task, good};
use super::world::World;
use crate::lifecycle::State;
use crate::lifecycle::control::{Options, supervise_observed};

const CALLERS: usize = 4;
const ROUNDS: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_callers_on_many_threads_never_see_two_generations() {
    let mut failing = good();
    failing.components[3] = Behaviour { start: Start::Fail, ..GOOD };
    let mut dying = good();
    dying.components[1] = Behaviour { task: Task::Dies(4, Start::Fail), ..GOOD };
    let world = Arc::new(World::default());
    let generations: Vec<Generation> = vec![good(), failing, good(), dying];
    let plan = Scripted { world: Arc::clone(&world), generations };
    let options = Options { limits: LIMITS, ..Options::default() };
    let seen = Arc::clone(&world);
    let (control, supervisor) =
        supervise_observed(plan, options, move |timeline, state| seen.observe(timeline, state));
    let leases = Arc::new(AtomicUsize::new(0));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (control, leases) = (control.clone(), Arc::clone(&leases));
        callers.spawn(async move {
            for round in 0..ROUNDS {
                let answer = match (caller + round) % 5 {
                    0 => control.restart().await,
                    1 => control.stop().await,
                    _ => control.start().await,
                };
                let wait = control.settled(answer.generation().unwrap());
                let settled = timeout(Duration::from_secs(20), wait).await.unwrap();
                if let Some(live) = settled.state.live() {
                    let lease = live.lease();
                    leases.fetch_add(1, Ordering::Relaxed);
                    // A lease that was still good when it was asked keeps its runtime.
                    if !lease.is_gone() {
                        tokio::task::yield_now().await;
                    }
                }
            }
        });
    }
    while let Some(caller) = callers.join_next().await {
        caller.unwrap();
    }
    assert!(leases.load(Ordering::Relaxed) > 0, "the runtime was never ready");
    let answer = control.shutdown().await;
    let wait = control.settled(answer.generation().unwrap());
    let last = timeout(Duration::from_secs(20), wait).await.unwrap();
    assert!(matches!(last.state, State::Created), "{last:?}");
    timeout(Duration::from_secs(20), supervisor).await.unwrap().unwrap();
    assert_eq!(world.facts().broken, Vec::<String>::new());
}
