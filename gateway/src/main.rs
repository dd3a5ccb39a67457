//! The `firstlight` binary: the gateway with the plugins that come with it.

use firstlight_gateway::{Exit, Gateway};

fn main() -> Exit {
    Gateway::builder().main()
}
