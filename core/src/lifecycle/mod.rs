//! The two-phase lifecycle: one state, one owner.
//!
//! The core is up in milliseconds. Everything that can fail or take its time (plugins, providers,
//! platforms) is the *runtime*, which this module brings up behind the listening server, takes
//! down, and brings up again, in one process and on the same sockets. It knows nothing of what the
//! runtime is: that is a [`Bootstrap`] plan of [`Component`]s, and a type `R`.
//!
//! # The state is the runtime
//!
//! There is one stored truth, the [`Snapshot`] in a watch channel. Ready *is* having an `Arc<R>`,
//! failed *is* having a [`Failure`]; no flag beside it can disagree.
//!
//! | from | to | when |
//! |---|---|---|
//! | `CoreReady(Idle)`, `RuntimeFailed` | `CoreReady(Bootstrapping)` | start, retry, restart, or the wait of an automatic retry is over |
//! | `Bootstrapping` | `Bootstrapping` | the next component names itself |
//! | `Bootstrapping` | `RuntimeReady` | the bootstrap task returned a runtime, nobody asked to stop, no critical task has died |
//! | `Bootstrapping`, `RuntimeReady` | `CoreReady(Stopping)` | stop, restart, shutdown; a fatal component failed; a panic; a critical task died |
//! | `Stopping` | `Idle`, `RuntimeFailed`, `Bootstrapping`, `Created` | the way down is done: what the last command (or else the failure) asked for |
//! | `RuntimeFailed` | `Idle` | stop: the failure was read and is cleared |
//! | `Idle`, `RuntimeFailed` | `Created` | shutdown |
//!
//! **Invariant: `Idle`, `RuntimeFailed` and `Created` are published only when nothing of the
//! runtime runs.** So a retry always starts clean, and two generations never meet. The one
//! exception is code that blocks its thread and cannot be aborted: it is named in
//! [`Snapshot::unclean`] instead of holding everything up.
//!
//! # One task owns it
//!
//! The supervisor (`supervisor.rs`) takes commands from one channel and makes all transitions
//! (`transitions.rs`), so they are serial: two bootstraps cannot overlap, a retry during a
//! bootstrap joins it, and the order of commands is the order of answers. It never waits for a
//! component itself: the plan runs as a task of its own, so does every stopper, and while it waits
//! for them it goes on answering. A command is answered at once, with [`Answer::Began`] or
//! [`Answer::Already`] and a generation; whoever wants the outcome waits with
//! [`Control::settled`]. What begins is published before it is answered.
//!
//! Reading is for free: [`Control::snapshot`], [`Control::subscribe`] and the [`Timeline`] take no
//! lock that anybody holds while it waits.
//!
//! # Up: a plan of components and a stack of stoppers
//!
//! A plan starts its components in order through [`Steps`] and hands the handles of earlier ones to
//! later ones. Each start has a limit; its panic is an error; cancelling drops it on the spot. When
//! it has succeeded, what stops it is pushed on a stack that lives outside the bootstrap task, so
//! that neither a panic nor an abort of the plan loses it. A component is either fatal
//! ([`Steps::start`]) or tolerated ([`Steps::start_tolerated`]): a tolerated one that fails, or
//! takes longer than its limit, is a line in the timeline and no more. Parts of a component (one
//! plugin, one platform) are [`Item`]s with a state of their own, and their failure is never the
//! component's.
//!
//! Components spawn through their [`StepCx`] only. A *critical* task's end is the runtime's
//! failure; a *restarting* one has its own back-off and budget and then shows as failed while the
//! runtime stays ready; a plain one just ends.
//!
//! # Down: one path
//!
//! A failure, a stop, a restart and a shutdown go the same way (`unwind.rs`), after "stopping" has
//! been published and the gate is thereby closed:
//!
//! 1. cancel the token: streams, loops and the current step learn of it;
//! 2. wait for the bootstrap task, then abort it;
//! 3. wait for the leases of requests, so that none of them calls into a stopped component;
//! 4. pop the stoppers: reverse start order, each once, each in its own task with its own limit;
//!    errors, panics and time-outs are recorded and passed over;
//! 5. wait for the tasks, name the stragglers every five seconds, abort them in the end.
//!
//! Every wait has a deadline ([`Limits`]), so every way down ends.
//!
//! # What to read, in order
//!
//! `state.rs`, `component.rs`, `steps.rs`, `supervisor.rs`, `transitions.rs`, `unwind.rs`; then
//! `tests/property.rs`, which says all of the above once more as one property over random
//! histories. Each bug that it has to catch is a patch in `mutants/`; `cargo xtask mutants` shows
//! that it does. Tasks that belong to the process and not to a runtime live in [`Background`].

mod background;
mod component;
mod context;
mod control;
mod publish;
mod records;
mod state;
mod steps;
mod supervisor;
mod tasks;
#[cfg(test)]
mod tests;
mod timeline;
mod transitions;
mod unwind;

pub use background::Background;
pub use component::{Bootstrap, BoxError, Component, StepError, StepFailure};
pub use context::{Restart, StepCx};
pub use control::{Answer, Control, Limits, Options, Retry, supervise};
pub use records::{Attempt, ComponentRecord, History, Outcome, Progress, Record};
pub use state::{Activity, Failure, Lease, Live, Snapshot, State};
pub use steps::Steps;
pub use timeline::{Item, Timeline};
