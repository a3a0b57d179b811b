//! Rust source of one message module, and of the index over all modules.
//!
//! The generated code is straight-line: one statement per field, in the order of the wire, guarded
//! by the versions that have the field. Layout is left to rustfmt.

use std::fmt::Write as _;

use super::schema::{Api, Base, Field, Message, Role, Schema, Struct, Versions};

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
        "\n#![allow(clippy::field_reassign_with_default, clippy::nonminimal_bool, reason = \"one statement per field\")]\n",
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

fn emit_decode(out: &mut String, body: &Struct, message: &Message, top: bool) {
    let signature = "fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError>";
    let outer = std::mem::take(out);
    if top {
        let (min, max) = body.versions;
        let key = match message.role {
            Role::Request | Role::Response => {
                let (module, _) = body.name.rsplit_once("Re").unwrap_or((&body.name, ""));
                format!("ApiKey::{module} as i16")
            }
            Role::Record { record_type } => record_type.to_string(),
            Role::Data => "-1".to_owned(),
        };
        line_to(
            out,
            &format!(
                "if !({min}..={max}).contains(&version) {{ return Err(DecodeError::UnsupportedVersion {{ api_key: {key}, version }}); }}"
            ),
        );
    }
    emit_form(out, body, message);
    let untagged: Vec<&Field> = body.fields.iter().filter(|field| field.tag.is_none()).collect();
    let mutable = if body.fields.is_empty() { "" } else { "mut " };
    line_to(out, &format!("let {mutable}it = Self::default();"));
    for field in untagged {
        let read = read_statement(field);
        match condition(field.versions, body.versions) {
            None => line_to(out, &read),
            Some(condition) => line_to(out, &format!("if {condition} {{ {read} }}")),
        }
    }
    emit_decode_tagged(out, body, message);
    line_to(out, "Ok(it)");
    *out = outer + &function(signature, out, top);
}

fn emit_decode_tagged(out: &mut String, body: &Struct, message: &Message) {
    let Some(flexible) = flexible_condition(body, message) else { return };
    let mut arms = String::new();
    for field in body.fields.iter().filter(|field| field.tag.is_some()) {
        let tag = field.tag.unwrap_or_default();
        let guard = condition(field.versions, body.versions);
        let guard = guard.map_or(String::new(), |condition| format!(" if {condition}"));
        line_to(&mut arms, &format!("{tag}{guard} => {{ {} }}", read_statement(field)));
    }
    let read = if arms.is_empty() {
        "r.skip_tagged_fields()?;".to_owned()
    } else {
        format!(
            "r.tagged_fields(|tag, r| {{ match tag {{ {arms} _ => return Ok(false), }} Ok(true) }})?;"
        )
    };
    line_to(out, &if flexible.is_empty() { read } else { format!("if {flexible} {{ {read} }}") });
}

fn emit_encode(out: &mut String, body: &Struct, message: &Message, top: bool) {
    let signature = "fn encode(&self, w: &mut Writer, version: i16) -> Result<(), EncodeError>";
    let outer = std::mem::take(out);
    if top {
        let (min, max) = body.versions;
        line_to(
            out,
            &format!(
                "if !({min}..={max}).contains(&version) {{ return Err(EncodeError::Version {{ message: Self::NAME, version }}); }}"
            ),
        );
    }
    emit_form(out, body, message);
    for field in body.fields.iter().filter(|field| field.tag.is_none()) {
        let mut write = String::new();
        if let Some(from) = field.nullable_from.filter(|from| *from > field.versions.0) {
            let path = path(body, field);
            line_to(
                &mut write,
                &format!(
                    "if version < {from} && self.{}.is_none() {{ return Err(EncodeError::Null {{ field: \"{path}\", version }}); }}",
                    rust_name(field)
                ),
            );
        }
        line_to(&mut write, &write_statement(field));
        emit_versioned(out, body, field, &write);
    }
    emit_encode_tagged(out, body, message);
    line_to(out, "Ok(())");
    *out = outer + &function(signature, out, top);
}

/// A method with this body; an argument that it does not use gets an underscore.
fn function(signature: &str, body: &str, top: bool) -> String {
    let visibility = if top { "" } else { "pub(crate) " };
    let mut signature = signature.to_owned();
    for name in ["r", "w", "version"] {
        if !has_word(body, name) {
            signature = signature.replace(&format!(" {name}:"), &format!(" _{name}:"));
            signature = signature.replace(&format!("({name}:"), &format!("(_{name}:"));
        }
    }
    format!("{visibility}{signature} {{\n{body}}}\n\n")
}

/// `write` in the versions that have the field; elsewhere a value that must not be lost is refused.
fn emit_versioned(out: &mut String, body: &Struct, field: &Field, write: &str) {
    let Some(condition) = condition(field.versions, body.versions) else {
        return out.push_str(write);
    };
    line_to(out, &format!("if {condition} {{ {write} }}"));
    if !field.ignorable {
        line_to(
            out,
            &format!(
                "else if {} {{ return Err(EncodeError::NotInVersion {{ field: \"{}\", version }}); }}",
                is_set(field),
                path(body, field)
            ),
        );
    }
}

fn emit_encode_tagged(out: &mut String, body: &Struct, message: &Message) {
    let mut tagged: Vec<&Field> = body.fields.iter().filter(|field| field.tag.is_some()).collect();
    tagged.sort_by_key(|field| field.tag);
    let Some(flexible) = flexible_condition(body, message) else { return };
    let mut count = Vec::new();
    for field in &tagged {
        let name = rust_name(field);
        let name = name.trim_start_matches("r#");
        let set = is_set(field);
        let present = match condition(field.versions, body.versions) {
            None => set,
            Some(condition) => {
                if !field.ignorable {
                    line_to(
                        out,
                        &format!(
                            "if !({condition}) && {set} {{ return Err(EncodeError::NotInVersion {{ field: \"{}\", version }}); }}",
                            path(body, field)
                        ),
                    );
                }
                format!("{condition} && {set}")
            }
        };
        line_to(out, &format!("let has_{name} = {present};"));
        count.push(format!("u32::from(has_{name})"));
    }
    let count = if count.is_empty() { "0".to_owned() } else { count.join(" + ") };
    let mut write = format!("w.unsigned_varint({count});");
    for field in tagged {
        let name = rust_name(field);
        let _ = write!(
            write,
            "if has_{} {{ w.tagged({}, |w| {{ {} Ok(()) }})?; }}",
            name.trim_start_matches("r#"),
            field.tag.unwrap_or_default(),
            write_statement(field)
        );
    }
    line_to(out, &if flexible.is_empty() { write } else { format!("if {flexible} {{ {write} }}") });
}

/// `form`, where some field asks for it.
fn emit_form(out: &mut String, body: &Struct, message: &Message) {
    let asks = |field: &Field| {
        field.array || matches!(field.base, Base::String | Base::Bytes | Base::Records)
    };
    if !body.fields.iter().any(asks) {
        return;
    }
    let form = match flexible_condition(body, message).as_deref() {
        None => "Form::Classic".to_owned(),
        Some("") => "Form::Flexible".to_owned(),
        Some(condition) => format!("Form::of({condition})"),
    };
    line_to(out, &format!("let form = {form};"));
}

/// `None`: never flexible; empty: always.
fn flexible_condition(body: &Struct, message: &Message) -> Option<String> {
    let from = message.flexible_from.filter(|from| *from <= body.versions.1)?;
    Some(if from <= body.versions.0 { String::new() } else { format!("version >= {from}") })
}

/// When a field exists, given that its struct does. `None`: always.
fn condition(field: Versions, parent: Versions) -> Option<String> {
    match (field.0 > parent.0, field.1 < parent.1) {
        (false, false) => None,
        (true, false) => Some(format!("version >= {}", field.0)),
        (false, true) => Some(format!("version <= {}", field.1)),
        (true, true) => Some(format!("({}..={}).contains(&version)", field.0, field.1)),
    }
}

fn read_statement(field: &Field) -> String {
    let name = rust_name(field);
    let null_check = field
        .nullable_from
        .filter(|from| *from > field.versions.0)
        .map(|from| {
            format!("if version < {from} && it.{name}.is_none() {{ return Err(r.null()); }}")
        })
        .unwrap_or_default();
    let nullable = if field.nullable_from.is_some() { "nullable_" } else { "" };
    let value = if field.array {
        let element = read_one(&field.base, "");
        let size = element_bytes_min(&field.base);
        format!("r.{nullable}array(form, {size}, |r| {})?", element.trim_end_matches('?'))
    } else if matches!(field.base, Base::Struct { .. }) && field.nullable_from.is_some() {
        format!("if r.present()? {{ Some({}) }} else {{ None }}", read_one(&field.base, ""))
    } else if field.base == Base::Bytes && field.nullable_from.is_none() {
        "r.records(form)?.ok_or(r.null())?".to_owned()
    } else {
        read_one(&field.base, nullable)
    };
    format!("it.{name} = {value}; {null_check}")
}

fn read_one(base: &Base, nullable: &str) -> String {
    match base {
        Base::String => format!("r.{nullable}string(form)?"),
        Base::Bytes | Base::Records => "r.records(form)?".to_owned(),
        Base::Struct { inner, .. } => format!("{}::decode(r, version)?", inner.name),
        number => format!("r.{}()?", number_name(number)),
    }
}

fn write_statement(field: &Field) -> String {
    let name = rust_name(field);
    let nullable = field.nullable_from.is_some();
    if field.array {
        let element = match &field.base {
            Base::String => "w.string(it, form)".to_owned(),
            Base::Struct { .. } => "it.encode(w, version)".to_owned(),
            number => format!("{{ w.{}(*it); Ok(()) }}", number_name(number)),
        };
        return if nullable {
            format!("w.nullable_array(self.{name}.as_deref(), form, |w, it| {element})?;")
        } else {
            format!("w.array(&self.{name}, form, |w, it| {element})?;")
        };
    }
    match (&field.base, nullable) {
        (Base::String, true) => format!("w.nullable_string(self.{name}.as_deref(), form)?;"),
        (Base::String, false) => format!("w.string(&self.{name}, form)?;"),
        (Base::Records, _) | (Base::Bytes, true) => {
            format!("w.records(self.{name}.as_ref(), form)?;")
        }
        (Base::Bytes, false) => format!("w.records(Some(&self.{name}), form)?;"),
        (Base::Struct { .. }, true) => format!(
            "match &self.{name} {{ Some(it) => {{ w.i8(1); it.encode(w, version)?; }} None => w.i8(-1), }}"
        ),
        (Base::Struct { .. }, false) => format!("self.{name}.encode(w, version)?;"),
        (number, _) => format!("w.{}(self.{name});", number_name(number)),
    }
}

/// Whether a field differs from its default.
fn is_set(field: &Field) -> String {
    let name = rust_name(field);
    if field.nullable_from.is_some() || field.base == Base::Records {
        return match (default_is_null(field), field.array, &field.base) {
            (true, ..) => format!("self.{name}.is_some()"),
            (false, false, Base::String) => {
                let value = field.default.as_deref().unwrap_or_default();
                format!("self.{name}.as_deref() != Some({value:?})")
            }
            (false, ..) => format!("self.{name}.as_ref().is_none_or(|it| !it.is_empty())"),
        };
    }
    match &field.base {
        _ if field.array => format!("!self.{name}.is_empty()"),
        Base::Bool if default_value(field) == "true" => format!("!self.{name}"),
        Base::Bool => format!("self.{name}"),
        Base::String if field.default.is_none() => format!("!self.{name}.is_empty()"),
        Base::String => {
            format!("self.{name} != {:?}", field.default.as_deref().unwrap_or_default())
        }
        Base::Bytes => format!("!self.{name}.is_empty()"),
        _ => format!("self.{name} != {}", default_value(field)),
    }
}

fn default_is_null(field: &Field) -> bool {
    let null = field.default.as_deref() == Some("null");
    field.base == Base::Records || (field.nullable_from.is_some() && null)
}

fn default_value(field: &Field) -> String {
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
fn has_plain_default(body: &Struct) -> bool {
    body.fields.iter().all(|field| {
        if field.nullable_from.is_some() || field.base == Base::Records {
            return default_is_null(field);
        }
        field.default.is_none()
    })
}

/// The smallest encoding of one array element, over all its versions.
fn element_bytes_min(base: &Base) -> usize {
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

fn number_name(base: &Base) -> &'static str {
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

fn rust_type(field: &Field) -> String {
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

fn path(body: &Struct, field: &Field) -> String {
    format!("{}.{}", body.name, rust_name(field))
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

fn line_to(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
