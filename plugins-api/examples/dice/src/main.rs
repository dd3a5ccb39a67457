//! The same plugin as a program of its own.

fn main() -> std::process::ExitCode {
    firstlight_plugins_api::process::run::<dice::Dice>()
}
