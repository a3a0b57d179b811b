//! Rust source of one message module, and of the index over all modules.
//!
//! Here: the types. Their methods come from `codec`, names and defaults from `names`. Layout is left
//! to rustfmt.

use super::codec::{emit_decode, emit_encode};
use super::names::{default_value, has_plain_default, rust_name, rust_type};
use super::schema::{Api, Base, Message, Role, Schema, Struct};

/// The module of one schema file.
pub(super) fn module(file: &str, schema: &Schema) -> String {
    let mut out = String::new();
    for line in &schema.about {
        line_to(&mut out, &format!("//! {line}"));
    }
    line_to(&mut out, "//!");
    line_to(&mut out, &format!("//! Generated from `schemas/{file}.schema` by `cargo x codegen`."));
    line_to(
        &mut out,
        "\n#![allow(clippy::field_reassign_with_default, reason = \"one statement per field\")]\n",
    );
    let mut types = String::new();
    for message in &schema.messages {
        emit_message(&mut types, schema.api.as_ref(), message);
    }
    if schema.messages.iter().any(|message| matches!(message.role, Role::Record { .. })) {
        emit_record_enum(&mut types, schema);
    }
    for (from, names) in IMPORTS {
        let used: Vec<&str> = names.iter().copied().filter(|name| has_word(&types, name)).collect();
        if !used.is_empty() {
            line_to(&mut out, &format!("use {from}::{{{}}};", used.join(", ")));
        }
    }
    out.push('\n');
    out + &types
}

/// What generated code may name from elsewhere; each module imports what it uses.
const IMPORTS: [(&str, &[&str]); 5] = [
    ("model", &["Buf", "TopicId"]),
    ("crate::api", &["Form", "Message", "Request", "Response", "Uuid"]),
    ("crate::error", &["DecodeError", "EncodeError"]),
    ("crate::messages", &["ApiKey"]),
    ("crate", &["Reader", "Writer"]),
];

pub(super) fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|found| found == word)
}

/// `messages/mod.rs`: the modules and the API table.
pub(super) fn index(schemas: &[(String, Schema)]) -> String {
    let mut out = String::new();
    line_to(&mut out, "//! One module per API, and the table of all of them.");
    line_to(&mut out, "//!");
    line_to(&mut out, "//! Generated from `schemas/` by `cargo x codegen`.\n");
    for (file, _) in schemas {
        line_to(&mut out, &format!("pub mod {file};"));
    }
    line_to(&mut out, "#[cfg(any(test, feature = \"fuzz\"))] pub(crate) mod sample;\n");
    line_to(&mut out, "use crate::api::Api;\n");
    let mut apis: Vec<&Api> =
        schemas.iter().filter_map(|(_, schema)| schema.api.as_ref()).collect();
    apis.sort_by_key(|api| api.key);
    line_to(&mut out, "/// The number of an API on the wire.");
    line_to(&mut out, "#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]");
    line_to(&mut out, "#[repr(i16)]\npub enum ApiKey {");
    for api in &apis {
        line_to(&mut out, &format!("{} = {},", api.name, api.key));
    }
    line_to(&mut out, "}\n");
    line_to(&mut out, "/// Every API of this crate with the versions of Kafka 4.3, by key.");
    line_to(&mut out, "pub const APIS: &[Api] = &[");
    for api in &apis {
        let flexible = api.flexible_from.map_or("i16::MAX".to_owned(), |from| from.to_string());
        line_to(
            &mut out,
            &format!(
                "Api {{ key: ApiKey::{0}, name: \"{0}\", version_min: {1}, version_max: {2}, flexible_from: {flexible} }},",
                api.name, api.versions.0, api.versions.1
            ),
        );
    }
    line_to(&mut out, "];");
    out
}

fn emit_message(out: &mut String, api: Option<&Api>, message: &Message) {
    let body = &message.body;
    emit_struct(out, body, message, true);
    let (Some(api), name) = (api, &body.name) else { return };
    match message.role {
        Role::Request => line_to(
            out,
            &format!(
                "impl Request for {name} {{ const API: ApiKey = ApiKey::{0}; type Response = {0}Response; }}\n",
                api.name
            ),
        ),
        Role::Response => line_to(
            out,
            &format!("impl Response for {name} {{ const API: ApiKey = ApiKey::{0}; }}\n", api.name),
        ),
        Role::Record { .. } | Role::Data => {}
    }
}

/// A struct, its codec, then the structs of its fields.
fn emit_struct(out: &mut String, body: &Struct, message: &Message, top: bool) {
    emit_type(out, body, top);
    emit_default(out, body);
    let name = &body.name;
    let (min, max) = body.versions;
    if top {
        line_to(out, &format!("impl Message for {name} {{ const NAME: &'static str = \"{name}\";"));
        line_to(
            out,
            &format!("const VERSION_MIN: i16 = {min};\nconst VERSION_MAX: i16 = {max};\n"),
        );
    } else {
        line_to(out, &format!("impl {name} {{"));
    }
    emit_decode(out, body, message, top);
    emit_encode(out, body, message, top);
    line_to(out, "}\n");
    for field in &body.fields {
        if let Base::Struct { shared: false, inner } = &field.base {
            emit_struct(out, inner, message, false);
        }
    }
}

fn emit_type(out: &mut String, body: &Struct, top: bool) {
    if top {
        let (min, max) = body.versions;
        let versions =
            if min == max { format!("version {min}") } else { format!("versions {min} to {max}") };
        line_to(out, &format!("/// Kafka's `{}`, {versions}.", body.name));
    } else {
        line_to(out, &format!("/// Kafka's `{}`.", body.name));
    }
    let derived = if has_plain_default(body) { ", Default" } else { "" };
    line_to(
        out,
        &format!("#[derive(Debug, Clone, PartialEq{derived})]\npub struct {} {{", body.name),
    );
    for field in &body.fields {
        let mut notes = Vec::new();
        if field.versions != body.versions {
            let (min, max) = field.versions;
            let open = max == body.versions.1;
            notes.push(if open {
                format!("From version {min}")
            } else {
                format!("Versions {min} to {max}")
            });
        }
        if let Some(from) = field.nullable_from.filter(|from| *from > field.versions.0) {
            notes.push(format!("null from version {from}"));
        }
        if let Some(tag) = field.tag {
            notes.push(format!("tag {tag}"));
        }
        if let Some(default) = &field.default {
            notes.push(format!("default {default}"));
        }
        if !notes.is_empty() {
            let mut note = notes.join(", ");
            note[..1].make_ascii_uppercase();
            line_to(out, &format!("/// {note}."));
        }
        line_to(out, &format!("pub {}: {},", rust_name(field), rust_type(field)));
    }
    line_to(out, "}\n");
}

fn emit_default(out: &mut String, body: &Struct) {
    if has_plain_default(body) {
        return;
    }
    line_to(out, &format!("impl Default for {} {{ fn default() -> Self {{ Self {{", body.name));
    for field in &body.fields {
        line_to(out, &format!("{}: {},", rust_name(field), default_value(field)));
    }
    line_to(out, "} } }\n");
}
fn emit_record_enum(out: &mut String, schema: &Schema) {
    let records: Vec<(u32, &Struct)> = schema
        .messages
        .iter()
        .filter_map(|message| match message.role {
            Role::Record { record_type } => Some((record_type, &message.body)),
            _ => None,
        })
        .collect();
    let variant = |body: &Struct| body.name.trim_end_matches("Record").to_owned();
    line_to(
        out,
        "/// Any metadata record.\n#[derive(Debug, Clone, PartialEq)]\npub enum MetadataRecord {",
    );
    for (_, body) in &records {
        line_to(out, &format!("{}({}),", variant(body), body.name));
    }
    line_to(out, "}\n\nimpl MetadataRecord {");
    line_to(
        out,
        "/// Kafka's number of this type of record.\n#[must_use]\npub fn record_type(&self) -> u32 { match self {",
    );
    for (record_type, body) in &records {
        line_to(out, &format!("Self::{}(_) => {record_type},", variant(body)));
    }
    line_to(
        out,
        "} }\n\n/// The newest version of this type of record.\n#[must_use]\npub fn version_max(&self) -> i16 { match self {",
    );
    for (_, body) in &records {
        line_to(out, &format!("Self::{}(_) => {},", variant(body), body.versions.1));
    }
    line_to(
        out,
        "} }\n\npub(crate) fn encode_body(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError> { match self {",
    );
    for (_, body) in &records {
        line_to(out, &format!("Self::{}(it) => it.encode(w, version),", variant(body)));
    }
    line_to(out, "} }\n\n/// `None`: no record has this type.");
    line_to(
        out,
        "pub(crate) fn decode_body(record_type: u32, r: &mut Reader<'_>, version: i16) -> Result<Option<Self>, DecodeError> { Ok(Some(match record_type {",
    );
    for (record_type, body) in &records {
        line_to(
            out,
            &format!(
                "{record_type} => Self::{}({}::decode(r, version)?),",
                variant(body),
                body.name
            ),
        );
    }
    line_to(out, "_ => return Ok(None), })) } }\n");
    for (_, body) in &records {
        line_to(
            out,
            &format!(
                "impl From<{0}> for MetadataRecord {{ fn from(it: {0}) -> Self {{ Self::{1}(it) }} }}\n",
                body.name,
                variant(body)
            ),
        );
    }
}

pub(super) fn line_to(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
