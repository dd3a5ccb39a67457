//! The one integration binary.

mod providers;
