//! A field in Rust: its name, type, default and smallest encoding.

use super::schema::{Base, Field, Struct};

pub(super) fn default_is_null(field: &Field) -> bool {
    let null = field.default.as_deref() == Some("null");
    field.base == Base::Records || (field.nullable_from.is_some() && null)
}

pub(super) fn default_value(field: &Field) -> String {
    if default_is_null(field) {
        return "None".to_owned();
    }
    let value = field.default.as_deref();
    let plain = if field.array {
        "Vec::new()".to_owned()
    } else {
        match &field.base {
            Base::Bool => value.unwrap_or("false").to_owned(),
            Base::String => match value {
                None => "String::new()".to_owned(),
                Some(value) => format!("{value:?}.to_owned()"),
            },
            Base::Bytes | Base::Records => "Buf::EMPTY".to_owned(),
            Base::Uuid => "[0; 16]".to_owned(),
            Base::TopicId => "TopicId::ZERO".to_owned(),
            Base::Struct { inner, .. } => format!("{}::default()", inner.name),
            _ => value.unwrap_or("0").to_owned(),
        }
    };
    if field.nullable_from.is_some() { format!("Some({plain})") } else { plain }
}

/// Whether `derive(Default)` gives Kafka's defaults.
pub(super) fn has_plain_default(body: &Struct) -> bool {
    body.fields.iter().all(|field| {
        if field.nullable_from.is_some() || field.base == Base::Records {
            return default_is_null(field);
        }
        field.default.is_none()
    })
}

/// The smallest encoding of one array element, over all its versions.
pub(super) fn element_bytes_min(base: &Base) -> usize {
    match base {
        Base::Bool | Base::Int8 | Base::String | Base::Bytes | Base::Records => 1,
        Base::Int16 | Base::Uint16 => 2,
        Base::Int32 => 4,
        Base::Int64 => 8,
        Base::Uuid | Base::TopicId => 16,
        Base::Struct { inner, .. } => {
            let always = |field: &&Field| field.tag.is_none() && field.versions == inner.versions;
            let size = |field: &Field| match (field.array, field.nullable_from) {
                (true, _) => 1,
                (false, Some(_)) => 1,
                (false, None) => element_bytes_min(&field.base),
            };
            inner.fields.iter().filter(always).map(size).sum::<usize>().max(1)
        }
    }
}

pub(super) fn number_name(base: &Base) -> &'static str {
    match base {
        Base::Bool => "bool",
        Base::Int8 => "i8",
        Base::Int16 => "i16",
        Base::Uint16 => "u16",
        Base::Int32 => "i32",
        Base::Int64 => "i64",
        Base::Uuid => "uuid",
        Base::TopicId => "topic_id",
        Base::String | Base::Bytes | Base::Records | Base::Struct { .. } => {
            unreachable!("callers handle what has a length")
        }
    }
}

pub(super) fn rust_type(field: &Field) -> String {
    let one = match &field.base {
        Base::String => "String",
        Base::Bytes | Base::Records => "Buf",
        Base::Uuid => "Uuid",
        Base::TopicId => "TopicId",
        Base::Struct { inner, .. } => &inner.name,
        number => number_name(number),
    };
    let ty = if field.array { format!("Vec<{one}>") } else { one.to_owned() };
    let nullable = field.nullable_from.is_some() || field.base == Base::Records;
    if nullable { format!("Option<{ty}>") } else { ty }
}

/// Kafka's name in Rust's case.
pub(super) fn rust_name(field: &Field) -> String {
    let mut name = String::new();
    let mut previous_lower = false;
    for letter in field.name.chars() {
        if letter.is_ascii_uppercase() && previous_lower {
            name.push('_');
        }
        previous_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        name.push(letter.to_ascii_lowercase());
    }
    if matches!(name.as_str(), "type" | "match") { format!("r#{name}") } else { name }
}
