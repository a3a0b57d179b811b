//! From properties to a [`Boot`], or to a refusal that says what to do.
//!
//! Promises: every problem is reported, not only the first; a security setting that cannot be
//! honoured is never ignored.
//! Does not: read files, look at the machine ([`Surroundings`] brings what is needed from it).

use std::net::SocketAddr;
use std::path::PathBuf;

use controller::config::{self, ConfigError, Finding, Layers, Values, list_items};
use model::{Limits, NodeId};

use crate::boot::{Boot, ListenerSpec, LogSink};

/// What only the caller can know.
pub struct Surroundings {
    /// Told to clients when a listener serves every interface.
    pub hostname: String,
    /// The address of a host name.
    pub resolve: fn(host: &str, port: u16) -> Option<SocketAddr>,
    pub limits: Limits,
    /// Where text for the operator goes.
    pub log: LogSink,
    /// Refuse unknown keys that resemble nothing, instead of warning.
    pub strict: bool,
}

/// A configuration that can be started.
#[derive(Debug)]
pub struct Configured {
    pub boot: Boot,
    /// Lines for the log: keys without effect, listeners open to others.
    pub warnings: Vec<String>,
}

/// Turns properties, by Kafka's names, into what a node is given.
///
/// # Errors
/// Every reason not to start, each a sentence with its remedy.
pub fn configure(
    properties: Values,
    surroundings: Surroundings,
) -> Result<Configured, Vec<String>> {
    let mut report = Report::default();
    check_keys(&properties, surroundings.strict, &mut report);
    if !report.refusals.is_empty() {
        return Err(report.refusals);
    }
    // From here on every value has the type that the table says.
    let settings = Settings::new(&properties);
    let node_id = node_id(&settings, &mut report);
    check_roles(&settings, node_id, &mut report);
    let directories = directories(&settings, &mut report);
    let listeners = listeners(&settings, &surroundings, &mut report);
    let http = http_listener(&settings, &surroundings, &mut report);
    let limits = limits(&settings, surroundings.limits, &mut report);
    let idle_ms = settings.number("connections.max.idle.ms").unwrap_or(-1);
    // Negative switches the sweep off, as in Kafka.
    let idle_ms_max = u64::try_from(idle_ms).unwrap_or(u64::MAX);
    if !report.refusals.is_empty() {
        return Err(report.refusals);
    }
    let log = surroundings.log;
    let boot = Boot {
        node_id,
        directories,
        listeners,
        http,
        idle_ms_max,
        limits,
        log,
        properties,
        version: "",
        io: String::new(),
        ready: |_| {},
    };
    Ok(Configured { boot, warnings: report.warnings })
}

#[derive(Default)]
struct Report {
    refusals: Vec<String>,
    warnings: Vec<String>,
}

impl Report {
    fn refuse(&mut self, why: impl Into<String>) {
        self.refusals.push(why.into());
    }

    fn warn(&mut self, what: impl Into<String>) {
        self.warnings.push(what.into());
    }
}

/// Properties with the table's defaults behind them.
struct Settings<'p>(Layers<'p>);

impl<'p> Settings<'p> {
    fn new(file: &'p Values) -> Self {
        static NOTHING: Values = Values::new();
        Self(Layers { topic: &NOTHING, broker: &NOTHING, cluster_default: &NOTHING, file })
    }

    fn text(&self, key: &str) -> Option<String> {
        self.0.broker_value(config::broker_key(key)?).value
    }

    fn list(&self, key: &str) -> Vec<String> {
        self.text(key).map(|text| list_items(&text)).unwrap_or_default()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.0.broker_number(key)
    }

    fn is_set(&self, key: &str) -> bool {
        self.0.file.contains_key(key)
    }
}

fn check_keys(properties: &Values, strict: bool, report: &mut Report) {
    for finding in config::inspect(properties) {
        let text = finding.to_string();
        match finding {
            Finding::Invalid(ConfigError::UnknownKey { ref name, .. })
            | Finding::Unknown { ref name }
                if config::topic_key(name).is_some() =>
            {
                report.refuse(topic_setting(name));
            }
            Finding::Invalid(_) | Finding::Unprotected { .. } => report.refuse(text),
            Finding::NoEffect { .. } => report.warn(text),
            Finding::Unknown { name } if strict => {
                report.refuse(format!("unknown configuration key {name} (refused by --strict)"));
            }
            Finding::Unknown { .. } => report.warn(text),
        }
    }
}

fn topic_setting(name: &str) -> String {
    let synonym = config::topic_key(name).and_then(|key| key.synonyms.first());
    let instead = synonym.map_or_else(
        || "set it on the topic".to_owned(),
        |synonym| format!("the broker's default for it is {}", synonym.name),
    );
    format!("{name} is a topic setting: {instead}")
}

/// Kafka has no default; a single node needs no ceremony.
const NODE_ID_DEFAULT: NodeId = NodeId(1);

fn node_id(settings: &Settings<'_>, report: &mut Report) -> NodeId {
    let node = settings.number("node.id");
    let broker = settings.number("broker.id").filter(|id| *id >= 0);
    if let (Some(node), Some(broker)) = (node, broker)
        && node != broker
    {
        report.refuse(format!("node.id={node} and broker.id={broker} differ: keep node.id"));
    }
    let id = node.or(broker).and_then(|id| i32::try_from(id).ok());
    id.map_or(NODE_ID_DEFAULT, NodeId)
}

/// A single node is its own controller; anything that names others cannot be honoured.
fn check_roles(settings: &Settings<'_>, node_id: NodeId, report: &mut Report) {
    let roles = settings.list("process.roles");
    let both = ["broker", "controller"].iter().all(|role| roles.iter().any(|r| r == role));
    if settings.is_set("process.roles") && !both {
        report.refuse(format!(
            "process.roles={}: a single node needs process.roles=broker,controller",
            roles.join(",")
        ));
    }
    for voter in settings.list("controller.quorum.voters") {
        let id = voter.split('@').next().and_then(|id| id.parse().ok()).map(NodeId);
        if id != Some(node_id) {
            report.refuse(format!(
                "controller.quorum.voters names {voter}: only this node ({node_id}) can be a voter"
            ));
        }
    }
    if settings.list("controller.quorum.bootstrap.servers").len() > 1 {
        report.refuse("controller.quorum.bootstrap.servers must name this node alone");
    }
}

fn directories(settings: &Settings<'_>, report: &mut Report) -> Vec<PathBuf> {
    let key = if settings.is_set("log.dirs") { "log.dirs" } else { "log.dir" };
    let directories: Vec<PathBuf> = settings.list(key).into_iter().map(PathBuf::from).collect();
    if directories.is_empty() {
        report.refuse("no data directory: give --data DIR or log.dirs");
    }
    for (at, directory) in directories.iter().enumerate() {
        if directories.iter().take(at).any(|earlier| earlier == directory) {
            report.refuse(format!("log.dirs names {} twice", directory.display()));
        }
    }
    directories
}

/// `NAME://host:port`, as in `listeners` and `advertised.listeners`.
fn parse_endpoint(text: &str) -> Option<(&str, &str, u16)> {
    let (name, address) = text.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    Some((name, host, port.parse().ok()?))
}

fn listeners(
    settings: &Settings<'_>,
    surroundings: &Surroundings,
    report: &mut Report,
) -> Vec<ListenerSpec> {
    let of_controller = settings.list("controller.listener.names");
    let protocols = settings.list("listener.security.protocol.map");
    let advertised = settings.list("advertised.listeners");
    let mut specs: Vec<ListenerSpec> = Vec::new();
    for endpoint in settings.list("listeners") {
        let Some((name, host, port)) = parse_endpoint(&endpoint) else {
            report.refuse(format!("listeners: {endpoint} is not NAME://host:port"));
            continue;
        };
        if of_controller.iter().any(|controller| controller == name) {
            continue;
        }
        if !protocol_is_plaintext(name, &protocols, report) {
            continue;
        }
        let bind_host = if host.is_empty() { "0.0.0.0" } else { host };
        let Some(bind) = (surroundings.resolve)(bind_host, port) else {
            report.refuse(format!("listeners: {host} is not an address of this machine"));
            continue;
        };
        if specs.iter().any(|spec| spec.name == name) {
            report.refuse(format!("listeners: {name} is given twice; names must differ"));
        }
        if !bind.ip().is_loopback() {
            report.warn(format!("{endpoint} serves other machines without authentication"));
        }
        let told = advertised.iter().filter_map(|told| parse_endpoint(told)).find(|t| t.0 == name);
        let (advertised_host, advertised_port) = match told {
            Some((_, host, port)) => (host.to_owned(), Some(port)),
            None if bind.ip().is_unspecified() => (surroundings.hostname.clone(), None),
            None => (bind_host.to_owned(), None),
        };
        specs.push(ListenerSpec { name: name.to_owned(), bind, advertised_host, advertised_port });
    }
    for told in &advertised {
        match parse_endpoint(told) {
            Some((name, host, _)) if !host.is_empty() => {
                let of_controller = of_controller.iter().any(|controller| controller == name);
                if !of_controller && !specs.iter().any(|spec| spec.name == name) {
                    report.refuse(format!("advertised.listeners: no listener is named {name}"));
                }
            }
            _ => report.refuse(format!("advertised.listeners: {told} is not NAME://host:port")),
        }
    }
    if specs.is_empty() && report.refusals.is_empty() {
        report.refuse("listeners: at least one listener must be for clients");
    }
    specs
}

fn protocol_is_plaintext(name: &str, protocols: &[String], report: &mut Report) -> bool {
    let mapped =
        protocols.iter().filter_map(|pair| pair.split_once(':')).find(|pair| pair.0 == name);
    match mapped.map_or(name, |pair| pair.1) {
        "PLAINTEXT" => true,
        protocol @ ("SSL" | "SASL_PLAINTEXT" | "SASL_SSL") => {
            report.refuse(format!(
                "listeners: {name} is {protocol}, which this broker cannot serve yet; use PLAINTEXT on a trusted network"
            ));
            false
        }
        _ => {
            report.refuse(format!(
                "listeners: give the protocol of {name} in listener.security.protocol.map"
            ));
            false
        }
    }
}

fn http_listener(
    settings: &Settings<'_>,
    surroundings: &Surroundings,
    report: &mut Report,
) -> Option<SocketAddr> {
    let text = settings.text("http.listener").unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    let address = text
        .rsplit_once(':')
        .and_then(|(host, port)| (surroundings.resolve)(host, port.parse().ok()?));
    if address.is_none() {
        report.refuse(format!("http.listener: {text} is not host:port"));
    }
    address
}

fn limits(settings: &Settings<'_>, built_in: Limits, report: &mut Report) -> Limits {
    let size = |key: &str, otherwise: usize| {
        let given = settings.number(key).filter(|_| settings.is_set(key));
        given.and_then(|given| usize::try_from(given).ok()).unwrap_or(otherwise)
    };
    let limits = Limits {
        frame_bytes: size("socket.request.max.bytes", built_in.frame_bytes),
        receive_bytes: size("queued.max.request.bytes", built_in.receive_bytes),
        connections: size("max.connections", built_in.connections).min(built_in.connections),
        fetch_sessions: size("max.incremental.fetch.session.cache.slots", built_in.fetch_sessions),
        cleaner_map_bytes: size("log.cleaner.dedupe.buffer.size", built_in.cleaner_map_bytes),
        ..built_in
    };
    if let Err(rule) = limits.validate() {
        report.refuse(format!("socket.request.max.bytes or queued.max.request.bytes: {rule}"));
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(host: &str, port: u16) -> Option<SocketAddr> {
        let host = if host == "localhost" { "127.0.0.1" } else { host };
        Some(SocketAddr::new(host.parse().ok()?, port))
    }

    fn check(text: &str) -> Result<Configured, Vec<String>> {
        let surroundings = Surroundings {
            hostname: "box".to_owned(),
            resolve,
            limits: Limits::PRODUCTION,
            log: LogSink::new(|_| {}),
            strict: false,
        };
        configure(config::parse_properties(text).unwrap(), surroundings)
    }

    #[test]
    fn nothing_but_a_directory_is_needed() {
        let configured = check("log.dirs=/data").unwrap();
        assert_eq!(configured.warnings, Vec::<String>::new());
        let boot = configured.boot;
        assert_eq!(boot.node_id, NodeId(1));
        assert_eq!(boot.directories, [PathBuf::from("/data")]);
        assert_eq!(boot.listeners[0].bind.to_string(), "127.0.0.1:9092");
        assert_eq!(boot.http.map(|at| at.to_string()), Some("127.0.0.1:9404".to_owned()));
    }

    #[test]
    fn a_plain_kafka_configuration_is_accepted() {
        let configured = check(
            "process.roles=broker,controller\nnode.id=7\nlog.dirs=/a,/b\n\
             controller.quorum.voters=7@localhost:9093\ncontroller.listener.names=CONTROLLER\n\
             listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n\
             advertised.listeners=PLAINTEXT://kafka.example:19092\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\n\
             num.network.threads=5\n",
        )
        .unwrap();
        assert_eq!(
            configured.warnings,
            [
                "num.network.threads has no effect in this broker",
                "PLAINTEXT://:9092 serves other machines without authentication"
            ]
        );
        let listener = &configured.boot.listeners[0];
        assert_eq!(configured.boot.listeners.len(), 1);
        assert_eq!(listener.advertised_host, "kafka.example");
        assert_eq!(listener.advertised_port, Some(19_092));
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let refusals = |text: &str| check(text).unwrap_err();
        assert_eq!(
            refusals("log.dirs=/a\nnum.partition=3"),
            ["unknown configuration key num.partition; did you mean num.partitions?"]
        );
        assert_eq!(
            refusals("log.dirs=/a\nretention.ms=3"),
            ["retention.ms is a topic setting: the broker's default for it is log.retention.ms"]
        );
        assert_eq!(
            refusals("log.dirs=/a\nlisteners=SSL://:9092"),
            [
                "listeners: SSL is SSL, which this broker cannot serve yet; use PLAINTEXT on a trusted network"
            ]
        );
        assert_eq!(
            refusals("log.dirs=/a\nauthorizer.class.name=x.Y"),
            ["authorizer.class.name asks for security that this broker cannot give; remove it"]
        );
        assert_eq!(
            refusals("log.dirs=/a\nprocess.roles=broker"),
            ["process.roles=broker: a single node needs process.roles=broker,controller"]
        );
        assert_eq!(
            refusals("log.dirs=/a\nnode.id=1\ncontroller.quorum.voters=1@a:1,2@b:1"),
            ["controller.quorum.voters names 2@b:1: only this node (1) can be a voter"]
        );
    }

    #[test]
    fn a_wildcard_listener_tells_clients_the_host_name() {
        let listener =
            &check("log.dirs=/a\nlisteners=PLAINTEXT://:9092").unwrap().boot.listeners[0];
        assert_eq!(listener.advertised_host, "box");
    }
}
