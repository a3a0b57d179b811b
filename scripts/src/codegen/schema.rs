//! The schema language and its parser.
//!
//! A file describes one API (`api KEY NAME MIN-MAX flexible FROM+`, then `request` and `response`)
//! or several values of a log (`record TYPE NAME MIN-MAX`, `data NAME MIN-MAX`). Values are always
//! flexible, except where `flexible FROM+` or `flexible none` follows the versions of a `data`. A
//! field is one line, four spaces deeper than the struct it belongs to:
//!
//! ```text
//! Name  type  [versions]  [tag N]  [= default]  [ignorable]
//! ```
//!
//! - type: `bool int8 int16 uint16 int32 int64 string bytes records uuid topic_id`, a struct
//!   name (its fields follow, or it was described earlier in the file), or `[element]`; `?` after it
//!   means nullable, `?7+` nullable from version 7. `bytes` are copied into the message, `records`
//!   stay where they are;
//! - versions: `3+`, `3-12` or `3`; without them the field exists wherever its struct does;
//! - `ignorable`: where the version lacks the field, a value other than the default is dropped; for
//!   any other field it is an error;
//! - text after `#` is a comment; the first comment lines of a file describe its module.

/// First and last version, inclusive. An open end is the last version of the API.
pub(crate) type Versions = (i16, i16);

pub(crate) struct Schema {
    /// Text for the head of the generated module.
    pub(crate) about: Vec<String>,
    pub(crate) api: Option<Api>,
    pub(crate) messages: Vec<Message>,
}

pub(crate) struct Api {
    pub(crate) key: i16,
    pub(crate) name: String,
    pub(crate) versions: Versions,
    /// `None`: never flexible.
    pub(crate) flexible_from: Option<i16>,
}

pub(crate) enum Role {
    Request,
    Response,
    Record { record_type: u32 },
    Data,
}

pub(crate) struct Message {
    pub(crate) role: Role,
    pub(crate) body: Struct,
    pub(crate) flexible_from: Option<i16>,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Struct {
    pub(crate) name: String,
    pub(crate) versions: Versions,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) base: Base,
    pub(crate) array: bool,
    pub(crate) nullable_from: Option<i16>,
    pub(crate) versions: Versions,
    pub(crate) tag: Option<u32>,
    pub(crate) default: Option<String>,
    pub(crate) ignorable: bool,
}

#[derive(Clone, PartialEq)]
pub(crate) enum Base {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Int64,
    String,
    Bytes,
    Records,
    Uuid,
    TopicId,
    /// Described here, or, with `fields` left empty and `shared`, earlier in the file.
    Struct {
        shared: bool,
        inner: Struct,
    },
}

/// One line that is neither empty nor a comment.
struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
}

pub(crate) fn parse(text: &str) -> Result<Schema, String> {
    let about = text.lines().map_while(|line| line.strip_prefix('#')).map(|l| l.trim().to_owned());
    let mut schema = Schema { about: about.collect(), api: None, messages: Vec::new() };
    let lines = split(text)?;
    let mut structs = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        at += 1;
        let failed = |what: &str| format!("{}: {what}", line.number);
        let (role, name, versions, flexible_from) = match (line.words.as_slice(), &schema.api) {
            (["api", key, name, versions, "flexible", from], None) => {
                let flexible_from = flexible(from).ok_or_else(|| failed("flexible N+"))?;
                schema.api = Some(Api {
                    key: key.parse().map_err(|_| failed("an API key is a number"))?,
                    name: (*name).to_owned(),
                    versions: range(versions, 0).ok_or_else(|| failed("versions MIN-MAX"))?,
                    flexible_from,
                });
                continue;
            }
            (["request"], Some(api)) => {
                (Role::Request, format!("{}Request", api.name), api.versions, api.flexible_from)
            }
            (["response"], Some(api)) => {
                (Role::Response, format!("{}Response", api.name), api.versions, api.flexible_from)
            }
            (["record", record_type, name, versions], None) => {
                let record_type = record_type.parse().map_err(|_| failed("a type is a number"))?;
                let versions = range(versions, 0).ok_or_else(|| failed("versions MIN-MAX"))?;
                (Role::Record { record_type }, (*name).to_owned(), versions, Some(0))
            }
            (["data", name, versions, form @ ..], None) => {
                let versions = range(versions, 0).ok_or_else(|| failed("versions MIN-MAX"))?;
                let flexible_from = match form {
                    [] => Some(0),
                    ["flexible", from] => flexible(from).ok_or_else(|| failed("flexible N+"))?,
                    _ => return Err(failed("only `flexible` follows the versions")),
                };
                (Role::Data, (*name).to_owned(), versions, flexible_from)
            }
            _ => return Err(failed("expected api, request, response, record or data")),
        };
        // A struct has one encoding: messages of another form cannot share it.
        if schema.messages.last().is_some_and(|last| last.flexible_from != flexible_from) {
            structs.clear();
        }
        let fields = fields(&lines, &mut at, 1, versions, &mut structs)?;
        let body = Struct { name, versions, fields };
        schema.messages.push(Message { role, body, flexible_from });
    }
    Ok(schema)
}

fn split(text: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim_end();
        let indent = line.len() - line.trim_start().len();
        if line.is_empty() {
            continue;
        }
        if !indent.is_multiple_of(4) {
            return Err(format!("{}: indent by four spaces", at + 1));
        }
        let words = line.split_whitespace().collect();
        lines.push(Line { number: at + 1, depth: indent / 4, words });
    }
    Ok(lines)
}

/// The fields at `depth`, and below each its own; `at` moves past them.
fn fields(
    lines: &[Line<'_>],
    at: &mut usize,
    depth: usize,
    versions: Versions,
    structs: &mut Vec<Struct>,
) -> Result<Vec<Field>, String> {
    let mut found = Vec::new();
    while let Some(line) = lines.get(*at).filter(|line| line.depth >= depth) {
        *at += 1;
        let failed = |what: &str| format!("{}: {what}", line.number);
        if line.depth > depth {
            return Err(failed("deeper than the struct above"));
        }
        let mut field = field(line, versions).map_err(|what| failed(&what))?;
        if let Base::Struct { shared, inner } = &mut field.base {
            inner.versions = field.versions;
            inner.fields = fields(lines, at, depth + 1, field.versions, structs)?;
            if let Some(known) = structs.iter().find(|known| known.name == inner.name) {
                if !inner.fields.is_empty() {
                    return Err(failed("this struct is described twice"));
                }
                *inner = known.clone();
                *shared = true;
            } else {
                structs.push(inner.clone());
            }
        }
        found.push(field);
    }
    Ok(found)
}

fn field(line: &Line<'_>, parent: Versions) -> Result<Field, String> {
    let [name, ty, rest @ ..] = line.words.as_slice() else {
        return Err("a field has a name and a type".to_owned());
    };
    let (ty, nullable) = match ty.split_once('?') {
        Some((ty, "")) => (ty, Some(None)),
        Some((ty, from)) => (ty, Some(range(from, parent.1).map(|range| range.0))),
        None => (*ty, None),
    };
    let element = ty.strip_prefix('[').and_then(|ty| ty.strip_suffix(']'));
    let mut field = Field {
        name: (*name).to_owned(),
        base: base(element.unwrap_or(ty)),
        array: element.is_some(),
        nullable_from: None,
        versions: parent,
        tag: None,
        default: None,
        ignorable: false,
    };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match *word {
            "tag" => field.tag = words.next().and_then(|tag| tag.parse().ok()),
            "=" => field.default = words.next().map(|value| (*value).to_owned()),
            "ignorable" => field.ignorable = true,
            versions => {
                field.versions =
                    range(versions, parent.1).ok_or_else(|| format!("what is {versions}?"))?;
            }
        }
    }
    field.nullable_from = nullable.map(|from| from.unwrap_or(field.versions.0));
    let (first, last) = field.versions;
    if first < parent.0 || first > last || last > parent.1 {
        return Err("a field cannot outlive its struct".to_owned());
    }
    Ok(field)
}

fn base(name: &str) -> Base {
    match name {
        "bool" => Base::Bool,
        "int8" => Base::Int8,
        "int16" => Base::Int16,
        "uint16" => Base::Uint16,
        "int32" => Base::Int32,
        "int64" => Base::Int64,
        "string" => Base::String,
        "bytes" => Base::Bytes,
        "records" => Base::Records,
        "uuid" => Base::Uuid,
        "topic_id" => Base::TopicId,
        name => Base::Struct {
            shared: false,
            inner: Struct { name: name.to_owned(), versions: (0, 0), fields: Vec::new() },
        },
    }
}

/// First flexible version: `3+`, or `none` for a message that has none.
fn flexible(from: &str) -> Option<Option<i16>> {
    match from {
        "none" => Some(None),
        from => range(from, i16::MAX).map(|range| Some(range.0)),
    }
}

/// `3+`, `3-12` or `3`.
fn range(text: &str, open_end: i16) -> Option<Versions> {
    if let Some(first) = text.strip_suffix('+') {
        return Some((first.parse().ok()?, open_end));
    }
    match text.split_once('-') {
        Some((first, last)) => Some((first.parse().ok()?, last.parse().ok()?)),
        None => text.parse().ok().map(|version| (version, version)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_inherits_the_versions_of_its_struct() {
        let schema =
            parse("api 1 Echo 2-5 flexible 4+\nrequest\n    A  [B]  3+\n        C  int32\n")
                .unwrap();
        let field = &schema.messages[0].body.fields[0];
        let Base::Struct { inner, .. } = &field.base else { panic!("a struct") };
        assert_eq!((field.versions, inner.fields[0].versions), ((3, 5), (3, 5)));
    }

    #[test]
    fn mistakes_name_their_line() {
        let check = |text: &str, error: &str| assert_eq!(parse(text).err().as_deref(), Some(error));
        check("request\n", "1: expected api, request, response, record or data");
        check("data D 0-0\n  A int8\n", "2: indent by four spaces");
        check("data D 0-0\n    A int8 1+\n", "2: a field cannot outlive its struct");
        check("data D 0-0\n    A int8 often\n", "2: what is often?");
        check("data D 0-0\n    A int8\n        B int8\n", "3: deeper than the struct above");
        check("data D 0-0 rigid\n", "1: only `flexible` follows the versions");
    }
}
