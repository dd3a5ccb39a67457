//! What a run does.

use std::time::Duration;

use firstlight_core::failpoint::Point;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::gateway_process::Build;

/// How the far side reaches the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Transport {
    /// It connects to the gateway's WebSocket server; events are not acknowledged.
    Websocket,
    /// It posts events until they are acknowledged, and has an HTTP API.
    Http,
}

/// One death of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// `kill -9`, this long after so many messages were said.
    Signal {
        /// Messages, over the whole run.
        said: usize,
        /// The pause after the last of them.
        after: Duration,
    },
    /// At the so-manieth passage of a named step since the start of the process.
    Point {
        /// The step.
        point: Point,
        /// Which passage, from 1.
        passage: u32,
    },
}

/// A whole run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How many messages are said.
    pub messages: usize,
    /// In how many conversations.
    pub conversations: usize,
    /// How many messages wait for their answer at most.
    pub window: usize,
    /// Decides about conversations, moments and passages.
    pub seed: u64,
    /// How the far side reaches the gateway.
    pub transport: Transport,
    /// The deaths, in order.
    pub kills: Vec<Kill>,
    /// Which binary. One without the faults cannot die at a named step.
    pub build: Build,
}

impl Plan {
    /// A run with so many kills at random moments.
    pub fn random(messages: usize, kills: usize, seed: u64, transport: Transport) -> Self {
        let mut chance = StdRng::seed_from_u64(seed);
        // The last tenth is left to recover in: a kill after the last message would prove little.
        let last = (messages * 9 / 10).max(1);
        let mut moments: Vec<usize> = Vec::with_capacity(kills);
        while moments.len() < kills {
            match moments.last() {
                // Now and then the next process dies while it is still taking up what was left.
                Some(before) if chance.random_ratio(1, 5) => moments.push(*before),
                _ => moments.push(chance.random_range(0..last)),
            }
        }
        moments.sort_unstable();
        let signal = |said| {
            let after = Duration::from_micros(chance.random_range(0..60_000));
            Kill::Signal { said, after }
        };
        let kills = moments.into_iter().map(signal).collect();
        Self {
            messages,
            // About twenty messages to each, so that there is an order to keep.
            conversations: (messages / 20).clamp(4, 2_000),
            window: (messages / 16).clamp(8, 64),
            seed,
            transport,
            kills,
            build: Build::Faulty,
        }
    }

    /// A run that dies once, at a named step.
    pub fn at(point: Point, messages: usize, seed: u64, transport: Transport) -> Self {
        let kill = Self::point(point, &mut StdRng::seed_from_u64(seed ^ point as u64));
        Self { kills: vec![kill], ..Self::random(messages, 0, seed, transport) }
    }

    /// Dies at every named step as well, before the other kills.
    #[must_use]
    pub fn with_points(mut self) -> Self {
        let mut chance = StdRng::seed_from_u64(self.seed);
        let points = Point::MESSAGES.map(|point| Self::point(point, &mut chance));
        self.kills.splice(..0, points);
        self
    }

    fn point(point: Point, chance: &mut StdRng) -> Kill {
        Kill::Point { point, passage: chance.random_range(1..=12) }
    }
}
