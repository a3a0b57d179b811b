//! `broker cluster configs`, and what every command shares that reads or changes configs.

use client::{ClientError, Connection};
use model::NodeId;
use serde::Serialize;
use std::collections::BTreeMap;
use uring::Live;
use wire::messages::describe_configs::{
    DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult,
};
use wire::messages::incremental_alter_configs::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};

use crate::cli::config_args::{ConfigValue, config_value};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct Args {
    /// The broker to ask or to change. Default: what all brokers share.
    #[arg(long, value_name = "ID")]
    broker: Option<i32>,
    /// Show every config, also those that nobody set. Needs --broker.
    #[arg(long, requires = "broker")]
    all: bool,
    /// Sets a config, may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = config_value)]
    set: Vec<ConfigValue>,
    /// Removes a config, may be repeated.
    #[arg(long = "delete", value_name = "KEY")]
    delete: Vec<String>,
    /// Only say whether the change would be accepted.
    #[arg(long)]
    validate_only: bool,
}

pub(super) async fn run(session: &Session, args: &Args) -> Result<(), Failure> {
    let resource = args.broker.map_or(Resource::EveryBroker, |id| Resource::Broker(NodeId(id)));
    if !args.set.is_empty() || !args.delete.is_empty() || args.validate_only {
        let changes = Change::list(&args.set, &args.delete)?;
        return alter(session, &resource, &changes, args.validate_only).await;
    }
    let described = describe(session, &[resource]).await?;
    let configs = described.into_values().flatten().filter(|it| args.all || !it.is_default());
    let configs: Vec<Config> = configs.collect();
    session.format.print(&configs[..], table);
    Ok(())
}

/// What has configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    Topic(String),
    Broker(NodeId),
    /// The dynamic default of all brokers, Kafka's broker with the empty name.
    EveryBroker,
}

impl Resource {
    const TOPIC: i8 = 2;
    const BROKER: i8 = 4;

    fn wire(&self) -> (i8, String) {
        match self {
            Self::Topic(name) => (Self::TOPIC, name.clone()),
            Self::Broker(id) => (Self::BROKER, id.to_string()),
            Self::EveryBroker => (Self::BROKER, String::new()),
        }
    }

    fn label(&self) -> String {
        match self {
            Self::Topic(name) => format!("topic {name}"),
            Self::Broker(id) => format!("broker {id}"),
            Self::EveryBroker => "all brokers".to_owned(),
        }
    }

    /// A broker's own configs are known to that broker alone.
    async fn connection(&self, session: &Session) -> Result<Connection<Live>, ClientError> {
        match self {
            Self::Broker(id) => session.router.node(*id).await,
            Self::Topic(_) | Self::EveryBroker => session.router.any().await,
        }
    }
}

/// Who set a value (KIP-226).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    Topic,
    Broker,
    EveryBroker,
    File,
    Default,
    Unknown,
}

impl Source {
    fn of(wire: i8) -> Self {
        match wire {
            1 => Self::Topic,
            2 => Self::Broker,
            3 => Self::EveryBroker,
            4 => Self::File,
            5 => Self::Default,
            _ => Self::Unknown,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Broker => "broker",
            Self::EveryBroker => "all brokers",
            Self::File => "file",
            Self::Default => "default",
            Self::Unknown => "-",
        }
    }
}

/// A config with its effective value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Config {
    pub(crate) name: String,
    /// `None`: there is none, or it is not shown because it is sensitive.
    pub(crate) value: Option<String>,
    pub(crate) source: Source,
    pub(crate) sensitive: bool,
    pub(crate) read_only: bool,
}

impl Config {
    fn of(from: DescribeConfigsResourceResult) -> Self {
        Self {
            name: from.name,
            value: from.value,
            source: Source::of(from.config_source),
            sensitive: from.is_sensitive,
            read_only: from.read_only,
        }
    }

    pub(crate) fn is_of_topic(&self) -> bool {
        self.source == Source::Topic
    }

    fn is_default(&self) -> bool {
        self.source == Source::Default
    }

    pub(crate) fn shown(&self) -> &str {
        match &self.value {
            _ if self.sensitive => "(hidden)",
            Some(value) => value,
            None => "-",
        }
    }
}

fn table(configs: &[Config]) -> Table<4> {
    let mut table = Table::new(["CONFIG", "VALUE", "SET-BY", "CHANGES"]);
    for config in configs {
        let shown = if config.shown().is_empty() { "-" } else { config.shown() };
        table.row([
            config.name.clone(),
            shown.to_owned(),
            config.source.label().to_owned(),
            if config.read_only { "at a restart" } else { "at once" }.to_owned(),
        ]);
    }
    table
}

/// The configs of each resource, by the resource's name, sorted.
pub(crate) async fn describe(
    session: &Session,
    resources: &[Resource],
) -> Result<BTreeMap<String, Vec<Config>>, Failure> {
    let Some(first) = resources.first() else { return Ok(BTreeMap::new()) };
    let resource = |resource: &Resource| {
        let (resource_type, resource_name) = resource.wire();
        DescribeConfigsResource { resource_type, resource_name, configuration_keys: None }
    };
    let request = DescribeConfigsRequest {
        resources: resources.iter().map(resource).collect(),
        include_synonyms: false,
        include_documentation: false,
    };
    let response = session.router.retry(session.limit, async || {
        let response = first.connection(session).await?.call(&request, session.limit).await?;
        for result in &response.results {
            let what = format!("describing the configs of {}", result.resource_name);
            ClientError::check(&what, result.error_code, result.error_message.as_ref())?;
        }
        Ok(response)
    });
    let mut described = BTreeMap::new();
    for result in response.await?.results {
        let mut configs: Vec<Config> = result.configs.into_iter().map(Config::of).collect();
        configs.sort_by(|a, b| a.name.cmp(&b.name));
        described.insert(result.resource_name, configs);
    }
    Ok(described)
}

/// One change of one config.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Set(ConfigValue),
    Delete(String),
}

impl Change {
    /// The changes of a command line, at least one and none contradicting another.
    pub(crate) fn list(set: &[ConfigValue], delete: &[String]) -> Result<Vec<Self>, Failure> {
        if set.is_empty() && delete.is_empty() {
            return Err(Failure::Usage("nothing to change: name a config".to_owned()));
        }
        if let Some(both) = set.iter().find(|it| delete.contains(&it.key)) {
            return Err(Failure::Usage(format!("{} is both set and deleted", both.key)));
        }
        let set = set.iter().cloned().map(Self::Set);
        Ok(set.chain(delete.iter().cloned().map(Self::Delete)).collect())
    }

    fn wire(&self) -> AlterableConfig {
        const SET: i8 = 0;
        const DELETE: i8 = 1;
        let (name, config_operation, value) = match self {
            Self::Set(it) => (it.key.clone(), SET, Some(it.value.clone())),
            Self::Delete(key) => (key.clone(), DELETE, None),
        };
        AlterableConfig { name, config_operation, value }
    }
}

/// Changes the configs of one resource, all or none, and says so.
pub(crate) async fn alter(
    session: &Session,
    resource: &Resource,
    changes: &[Change],
    validate_only: bool,
) -> Result<(), Failure> {
    let (resource_type, resource_name) = resource.wire();
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type,
            resource_name,
            configs: changes.iter().map(Change::wire).collect(),
        }],
        validate_only,
    };
    let what = format!("changing {}", resource.label());
    let altered = session.router.retry(session.limit, async || {
        let response = resource.connection(session).await?.call(&request, session.limit).await?;
        for result in &response.responses {
            ClientError::check(&what, result.error_code, result.error_message.as_ref())?;
        }
        Ok(())
    });
    altered.await?;
    let done = if validate_only { "could be changed" } else { "changed" };
    session.format.done(&format!("{} {done}", resource.label()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn config(name: &str, value: Option<&str>, source: Source, sensitive: bool) -> Config {
        let value = value.map(str::to_owned);
        Config { name: name.to_owned(), value, source, sensitive, read_only: sensitive }
    }

    #[test]
    fn secrets_and_empty_values_are_not_blank() {
        let configs = [
            config("compression.type", Some(""), Source::File, false),
            config("ssl.key.password", None, Source::EveryBroker, true),
        ];
        expect![[r#"
            CONFIG            VALUE     SET-BY       CHANGES
            compression.type  -         file         at once
            ssl.key.password  (hidden)  all brokers  at a restart
        "#]]
        .assert_eq(&table(&configs).to_string());
    }

    #[test]
    fn a_change_needs_something_to_change_and_no_contradiction() {
        let set = [config_value("a=1").unwrap()];
        assert!(matches!(Change::list(&[], &[]), Err(Failure::Usage(_))));
        assert!(matches!(Change::list(&set, &["a".to_owned()]), Err(Failure::Usage(_))));
        let changes = Change::list(&set, &["b".to_owned()]).unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[1].wire().config_operation, 1);
    }
}
