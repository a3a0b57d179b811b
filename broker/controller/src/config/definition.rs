//! What one configuration key is.

/// The type of a value, with Kafka's numbers for DescribeConfigs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
pub enum Kind {
    Boolean = 1,
    String = 2,
    Int = 3,
    Short = 4,
    Long = 5,
    Double = 6,
    List = 7,
    Class = 8,
    Password = 9,
}

/// What a value of the right type may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bounds {
    Any,
    AtLeast(i64),
    Between(i64, i64),
    /// Of a fraction.
    Fraction,
    /// One of these words; of a list: each element is one of them.
    OneOf(&'static [&'static str]),
}

/// How a broker key may change while the broker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Only with a restart.
    ReadOnly,
    /// By AlterConfigs on one broker.
    PerBroker,
    /// By AlterConfigs on one broker or on all.
    ClusterWide,
}

/// What this broker does with a key that Kafka knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Works,
    /// Accepted and shown, without effect here: one warning at start.
    Ignored,
    /// Would change who may do what, and is not honoured: a start with it is refused.
    Refused,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Definition {
    pub name: &'static str,
    pub kind: Kind,
    /// As Kafka prints it; `None` is Kafka's null.
    pub default: Option<&'static str>,
    pub bounds: Bounds,
    pub scope: Scope,
    pub effect: Effect,
    pub doc: &'static str,
}

impl Definition {
    /// Whether DescribeConfigs hides the value.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.kind == Kind::Password
    }
}
