//! Rust source of the test support: arbitrary messages of any version, and a walk over all of them.

use std::fmt::Write as _;

use super::emit::has_word;
use super::names::rust_name;
use super::schema::{Base, Field, Role, Schema, Struct, Versions};

/// `messages/sample.rs`.
pub(super) fn samples(schemas: &[(String, Schema)]) -> String {
    let mut out = String::from(
        "//! Arbitrary messages, for tests: every field that a version has gets some value.\n//!\n\
         //! Generated from `schemas/` by `cargo x codegen`.\n\n\
         #![allow(clippy::field_reassign_with_default, clippy::cast_possible_truncation, reason = \"one statement per field; any bits will do\")]\n\n\
         use crate::messages;\nuse crate::testing::{Sample, Source, Visit};\n\n",
    );
    let mut visits = String::new();
    for (file, schema) in schemas {
        for message in &schema.messages {
            emit_sample(&mut out, file, &message.body);
            let name = &message.body.name;
            let _ = match message.role {
                Role::Request => writeln!(visits, "visit.request::<messages::{file}::{name}>();"),
                Role::Response => writeln!(visits, "visit.response::<messages::{file}::{name}>();"),
                Role::Record { .. } | Role::Data => {
                    writeln!(visits, "visit.message::<messages::{file}::{name}>();")
                }
            };
        }
    }
    let _ = writeln!(out, "pub(crate) fn visit_all(visit: &mut impl Visit) {{ {visits} }}");
    out
}

fn emit_sample(out: &mut String, file: &str, body: &Struct) {
    let mut fields = String::new();
    let mut uses_version = false;
    for field in &body.fields {
        let name = rust_name(field);
        let mut value = one(field);
        if field.array {
            value = format!("source.list(|source| {value})");
        }
        if field.nullable_from.is_some() || field.base == Base::Records {
            let from = field.nullable_from.filter(|from| *from > field.versions.0);
            let allowed = from.map_or("true".to_owned(), |from| format!("version >= {from}"));
            value = format!("source.nullable({allowed}, |source| {value})");
        }
        uses_version |= has_word(&value, "version");
        uses_version |= field.versions != body.versions;
        let _ = match guard(field.versions, body.versions) {
            None => writeln!(fields, "it.{name} = {value};"),
            Some(guard) => writeln!(fields, "if {guard} {{ it.{name} = {value}; }}"),
        };
    }
    let _ = writeln!(
        out,
        "impl Sample for messages::{file}::{} {{ fn sample({}source: &mut Source, {}version: i16) -> Self {{",
        body.name,
        if body.fields.is_empty() { "_" } else { "" },
        if uses_version { "" } else { "_" },
    );
    if fields.is_empty() {
        out.push_str("Self::default() } }\n\n");
    } else {
        let _ = writeln!(out, "let mut it = Self::default(); {fields} it }} }}\n");
    }
    for field in &body.fields {
        if let Base::Struct { shared: false, inner } = &field.base {
            emit_sample(out, file, inner);
        }
    }
}

fn one(field: &Field) -> String {
    match &field.base {
        Base::Struct { .. } => "Sample::sample(source, version)".to_owned(),
        Base::Bool => "source.bool()".to_owned(),
        Base::String => "source.string()".to_owned(),
        Base::Bytes | Base::Records => "source.buf()".to_owned(),
        Base::Uuid => "source.uuid()".to_owned(),
        Base::TopicId => "model::TopicId(source.uuid())".to_owned(),
        Base::Int8 => "source.number() as i8".to_owned(),
        Base::Int16 => "source.number() as i16".to_owned(),
        Base::Uint16 => "source.number() as u16".to_owned(),
        Base::Int32 => "source.number() as i32".to_owned(),
        Base::Int64 => "source.number()".to_owned(),
    }
}

fn guard(field: Versions, parent: Versions) -> Option<String> {
    (field != parent).then(|| format!("({}..={}).contains(&version)", field.0, field.1))
}
