//! Rust source of `decode` and `encode`.
//!
//! Straight-line code: one statement per field, in the order of the wire, guarded by the versions
//! that have the field.

use std::fmt::Write as _;

use super::emit::{has_word, line_to};
use super::names::{default_is_null, default_value, element_bytes_min, number_name, rust_name};
use super::schema::{Base, Field, Message, Role, Struct, Versions};

pub(super) fn emit_decode(out: &mut String, body: &Struct, message: &Message, top: bool) {
    let signature = "fn decode(r: &mut Reader<'_>, version: i16) -> Result<Self, DecodeError>";
    let outer = std::mem::take(out);
    if top {
        let (min, max) = body.versions;
        let key = match message.role {
            Role::Request | Role::Response => {
                let api = body.name.trim_end_matches("Request").trim_end_matches("Response");
                format!("ApiKey::{api} as i16")
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

pub(super) fn emit_encode(out: &mut String, body: &Struct, message: &Message, top: bool) {
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
                    let absent = absence(field.versions, body.versions);
                    line_to(
                        out,
                        &format!(
                            "if {absent} && {set} {{ return Err(EncodeError::NotInVersion {{ field: \"{}\", version }}); }}",
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

/// The opposite of [`condition`], for a field that some versions lack.
fn absence(field: Versions, parent: Versions) -> String {
    match (field.0 > parent.0, field.1 < parent.1) {
        (true, false) => format!("version < {}", field.0),
        (false, true) => format!("version > {}", field.1),
        _ => format!("!({}..={}).contains(&version)", field.0, field.1),
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
        // Kafka writes this mark as a varint within tagged fields, as a byte elsewhere.
        let mark = if field.tag.is_some() { "r.unsigned_varint()? != 0" } else { "r.present()?" };
        format!("if {mark} {{ Some({}) }} else {{ None }}", read_one(&field.base, ""))
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
        (Base::Records, _) => format!("w.records(self.{name}.as_ref(), form)?;"),
        (Base::Bytes, true) => format!("w.bytes(self.{name}.as_deref(), form)?;"),
        (Base::Bytes, false) => format!("w.bytes(Some(&self.{name}), form)?;"),
        (Base::Struct { .. }, true) => {
            let (some, none) = match field.tag {
                Some(_) => ("w.unsigned_varint(1)", "w.unsigned_varint(0)"),
                None => ("w.i8(1)", "w.i8(-1)"),
            };
            format!(
                "match &self.{name} {{ Some(it) => {{ {some}; it.encode(w, version)?; }} None => {none}, }}"
            )
        }
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
            (false, false, Base::Struct { .. }) => {
                format!("self.{name} != {}", default_value(field))
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

fn path(body: &Struct, field: &Field) -> String {
    format!("{}.{}", body.name, rust_name(field))
}
