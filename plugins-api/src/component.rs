//! The component lane, from inside: what [`component!`](crate::component!) is made of.

use std::sync::OnceLock;

use crate::completing::complete;
use crate::wire::{Declarations, GuestCall, Line, RemoteHost, WireError, describe, perform};
use crate::{Host, Plugin, PluginError};

/// What the WIT world turns into.
#[cfg(target_family = "wasm")]
#[allow(missing_docs, unsafe_code, clippy::all, clippy::pedantic, clippy::restriction)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "plugin",
        pub_export_macro: true,
        default_bindings_module: "firstlight_plugins_api::component::bindings",
    });
}

/// An instance of a plugin, which is made by its first `load`.
pub struct Instance<P>(OnceLock<P>);

impl<P: Plugin> Instance<P> {
    /// An instance that is not loaded.
    #[expect(clippy::new_without_default, reason = "it stands in a static")]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Makes a call from JSON text, and answers JSON text.
    pub fn call(&self, request: &str, line: impl Line) -> Result<String, String> {
        let made = serde_json::from_str(request)
            .map_err(|error| WireError::new("unknown", error))
            .and_then(|call| self.perform(call, line));
        made.map_err(|error| serde_json::to_string(&error).unwrap_or_default())
    }

    pub(crate) fn perform(&self, call: GuestCall, line: impl Line) -> Result<String, WireError> {
        match (call, self.0.get()) {
            (GuestCall::Describe, _) => text(&describe::<P>()),
            (GuestCall::Load(_), None) => {
                #[cfg(target_family = "wasm")]
                report_panics();
                let host: Host = RemoteHost::new(line);
                let loading = async { P::load(host).await.map_err(WireError::from) };
                let loaded = complete(loading)?;
                let plugin = self.0.get_or_init(|| loaded);
                text(&Declarations::of(plugin))
            }
            (call, Some(plugin)) => complete(perform(plugin, call)),
            (_, None) => Err(PluginError::Failed("it is not loaded".into()).into()),
        }
    }
}

/// A panic ends the instance; what it says is for the log.
#[cfg(target_family = "wasm")]
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        let _told = Imported.call(&crate::wire::HostCall::Log { level: crate::Level::Error, text });
    }));
}

fn text<T: serde::Serialize>(value: &T) -> Result<String, WireError> {
    serde_json::to_string(value).map_err(|error| WireError::new("failed", error))
}

/// The line of a component to the gateway.
#[cfg(target_family = "wasm")]
#[derive(Clone, Copy)]
pub struct Imported;

#[cfg(target_family = "wasm")]
impl Line for Imported {
    fn call(&self, call: &crate::wire::HostCall) -> Result<String, WireError> {
        let request = serde_json::to_string(call).map_err(|e| WireError::new("failed", e))?;
        bindings::firstlight::plugin::host::call(&request).map_err(|error| {
            serde_json::from_str(&error).unwrap_or_else(|_| WireError::new("failed", error))
        })
    }
}

/// Makes a WebAssembly component of a plugin. In a crate of the type `cdylib`, at the end of
/// `lib.rs`:
///
/// ```ignore
/// firstlight_plugins_api::component!(Dice);
/// ```
///
/// It does nothing when the crate is built for another target, so the same crate can be compiled
/// into a gateway or be run as a process ([`process`](crate::process)).
#[macro_export]
macro_rules! component {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            static INSTANCE: $crate::component::Instance<$plugin> =
                $crate::component::Instance::new();

            #[used]
            #[unsafe(link_section = "firstlight-plugin-api")]
            static API_VERSION: [u8; 3] = *b"1.0";

            struct Exported;

            impl $crate::component::bindings::exports::firstlight::plugin::guest::Guest
                for Exported
            {
                fn call(
                    request: ::std::string::String,
                ) -> ::std::result::Result<::std::string::String, ::std::string::String> {
                    INSTANCE.call(&request, $crate::component::Imported)
                }
            }

            $crate::component::bindings::export!(
                Exported with_types_in $crate::component::bindings
            );
        };
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{API_VERSION, HostCall};

    /// The macro writes the version out, because a section has a fixed size.
    #[test]
    fn the_section_says_the_version_of_this_crate() {
        assert_eq!(API_VERSION, "1.0");
    }

    #[test]
    fn nothing_is_called_before_it_is_loaded_and_nothing_is_loaded_twice() {
        struct Nothing;
        impl Plugin for Nothing {
            fn manifest() -> crate::Manifest {
                crate::Manifest::new("nothing", crate::Version::new(1, 0, 0))
            }
            async fn load(_host: Host) -> Result<Self, PluginError> {
                Ok(Self)
            }
        }
        struct Dead;
        impl Line for Dead {
            fn call(&self, _call: &HostCall) -> Result<String, WireError> {
                Err(WireError::new("not_ready", ""))
            }
        }
        let instance = Instance::<Nothing>::new();
        let call = |request: &str| instance.call(request, Dead);
        assert!(call(r#"{"method":"describe"}"#).unwrap().contains("\"nothing\""));
        assert!(call(r#"{"method":"loaded"}"#).is_err());
        let load = r#"{"method":"load","params":{"api":"1.0","settings":{}}}"#;
        assert!(call(load).unwrap().contains("handlers"));
        assert_eq!(call(r#"{"method":"loaded"}"#).unwrap(), "null");
        assert!(call(load).is_err());
        assert!(call("garbage").unwrap_err().contains("kind"));
    }
}
