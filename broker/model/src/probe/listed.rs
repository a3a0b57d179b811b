//! Closed enums that can be walked: whoever reports what was reached must also know what was not.

/// Declares an enum with `ALL`, and with `what()` from the documentation of its values, so that a
/// printed table says what the code says.
macro_rules! listed {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident { $($(#[doc = $line:literal])+ $value:ident,)+ }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $line])+ $value,)+
        }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: &[Self] = &[$(Self::$value,)+];

            /// One sentence about the value: its documentation.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self {
                    $(Self::$value => concat!($($line),+).trim_start(),)+
                }
            }
        }
    };
}

pub(super) use listed;
