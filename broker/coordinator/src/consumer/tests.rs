//! A scenario is text: one event per line in, its effects out. The log answers at once, except
//! between `hold` and `commit`.
//!
//! ```text
//! topic t 3 | untopic t             join a topics=t,u regex=t.* instance=i assignor=range
//! beat a 1 owned=t-0,t-1 topics=u   leave a instance=i | away a instance=i
//! after 45s                         hold | commit | restart | describe | delete
//! ```

mod behaviour;
mod model;

use core::fmt::Write as _;
use core::time::Duration;
use std::collections::BTreeMap;

use ::model::{Live, Now, PartitionIndex, TopicId, TopicPartition};

use super::{
    ConsumerEffect, ConsumerEvent, ConsumerGroups, ConsumerRequest, ConsumerResponse,
    ConsumerSettings, Heartbeat, JOIN_EPOCH, LEAVE_EPOCH, Partitions, Record, STATIC_LEAVE_EPOCH,
    TopicView, Topics,
};
use crate::{Client, GroupId, Text, Ticket, TopicName};

fn group() -> GroupId {
    GroupId::from("g")
}

fn client() -> Client {
    Client { id: Text::from("client"), host: Text::from("/127.0.0.1") }
}

/// The core with a log and a clock.
struct Bench {
    core: ConsumerGroups,
    settings: ConsumerSettings,
    topics: Topics,
    now: Now,
    /// What the log holds, and up to which ticket it has said so.
    log: Vec<(Ticket, GroupId, Vec<Record>)>,
    holds: bool,
    topics_made: u8,
}

impl Bench {
    fn new(settings: ConsumerSettings) -> Self {
        let core = ConsumerGroups::new(settings.clone());
        let (now, topics) = (Now::default(), Topics::default());
        let mut bench =
            Self { core, settings, topics, now, log: Vec::new(), holds: false, topics_made: 0 };
        bench.restart();
        bench
    }

    fn step(&mut self, event: ConsumerEvent) -> Vec<ConsumerEffect> {
        let mut effects = Vec::new();
        self.core.step(self.now, event, &self.topics, &mut effects, &mut Live);
        for effect in &effects {
            if let ConsumerEffect::Write { ticket, group, records } = effect {
                self.log.push((*ticket, group.clone(), records.to_vec()));
            }
        }
        effects
    }

    fn commit(&mut self) -> Vec<ConsumerEffect> {
        let ticket = self.log.last().map_or(Ticket::default(), |(ticket, ..)| *ticket);
        self.step(ConsumerEvent::Committed { ticket })
    }

    /// Another life of the coordinator over what the log holds.
    fn restart(&mut self) -> Vec<ConsumerEffect> {
        self.core = ConsumerGroups::new(self.settings.clone());
        self.step(ConsumerEvent::BeginLoading);
        let all = self.log.iter().flat_map(|(_, group, records)| {
            records.iter().map(|record| (group.clone(), record.clone()))
        });
        let records = all.collect();
        self.step(ConsumerEvent::Replay { records });
        for (ticket, ..) in &mut self.log {
            *ticket = Ticket::default();
        }
        self.step(ConsumerEvent::Loaded)
    }

    fn set_topic(&mut self, name: &str, partition_count: i32) -> Vec<ConsumerEffect> {
        let id = self.topics.by_name(name).map(|it| it.id).unwrap_or_else(|| {
            self.topics_made += 1;
            TopicId([self.topics_made; 16])
        });
        self.topics.insert(name, TopicView { id, partition_count });
        self.step(ConsumerEvent::TopicsChanged { names: [name.into()].into() })
    }

    /// Lets time pass, with every deadline on the way.
    fn pass(&mut self, time: Duration) -> Vec<ConsumerEffect> {
        let end = self.now.mono + time;
        let mut effects = Vec::new();
        while let Some(at) = self.core.wakes_at().filter(|at| *at <= end) {
            self.now.mono = at;
            effects.extend(self.step(ConsumerEvent::Tick));
            assert!(self.core.wakes_at() > Some(at) || self.core.wakes_at().is_none());
        }
        self.now.mono = end;
        effects
    }

    fn partition(&self, text: &str) -> TopicPartition {
        let (name, number) = text.rsplit_once('-').expect("topic-number");
        let topic = self.topics.by_name(name).expect("a topic of the scenario").id;
        TopicPartition { topic, partition: PartitionIndex(number.parse().unwrap()) }
    }

    fn names(&self, partitions: &Partitions) -> String {
        let name = |it: &TopicPartition| {
            let topic = self.topics.name(it.topic).map_or("gone", |name| name);
            format!("{topic}-{}", it.partition)
        };
        let names: Vec<String> = partitions.iter().map(name).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
    }

    fn run(&mut self, line: &str) -> Vec<ConsumerEffect> {
        let words: Vec<&str> = line.split(' ').collect();
        let request = |request| ConsumerEvent::Request { token: 0, request };
        let group = group();
        let effects = match words[0] {
            "topic" => self.set_topic(words[1], words[2].parse().unwrap()),
            "untopic" => {
                self.topics.remove(words[1]);
                self.step(ConsumerEvent::TopicsChanged { names: [words[1].into()].into() })
            }
            "after" => {
                let seconds = words[1].strip_suffix('s').unwrap().parse().unwrap();
                self.pass(Duration::from_secs(seconds))
            }
            "hold" => {
                self.holds = true;
                Vec::new()
            }
            "commit" => {
                self.holds = false;
                Vec::new()
            }
            "restart" => self.restart(),
            "describe" => self.step(request(ConsumerRequest::Describe { group })),
            "delete" => self.step(request(ConsumerRequest::Delete { group })),
            _ => {
                let heartbeat = self.heartbeat(&words);
                self.step(request(ConsumerRequest::Heartbeat(heartbeat)))
            }
        };
        if self.holds {
            return effects;
        }
        effects.into_iter().chain(self.commit()).collect()
    }

    fn heartbeat(&self, words: &[&str]) -> Heartbeat {
        let value =
            |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let list = |key| value(key).map(|it: &str| it.split(',').filter(|it| !it.is_empty()));
        let joins = words[0] == "join";
        let topic_names = list("topics").map(|it| it.map(TopicName::from).collect());
        let owned = list("owned").map(|it| it.map(|it| self.partition(it)).collect());
        Heartbeat {
            group: group(),
            member_id: words[1].into(),
            member_epoch: match words[0] {
                "join" => JOIN_EPOCH,
                "beat" => words[2].parse().unwrap(),
                "leave" => LEAVE_EPOCH,
                "away" => STATIC_LEAVE_EPOCH,
                other => panic!("unknown event {other}"),
            },
            instance_id: value("instance").map(Into::into),
            rack_id: None,
            client: client(),
            rebalance_timeout: joins.then_some(Duration::from_secs(30)),
            topic_names: topic_names
                .or_else(|| (joins && value("regex").is_none()).then(Default::default)),
            topic_regex: value("regex").map(Text::from),
            server_assignor: value("assignor").map(Text::from),
            owned: owned.or_else(|| joins.then(Partitions::new)),
        }
    }

    fn render(&self, effect: &ConsumerEffect) -> String {
        match effect {
            ConsumerEffect::Write { records, .. } => {
                let records: Vec<String> =
                    records.iter().map(|it| self.render_record(it)).collect();
                format!("write {}", records.join(", "))
            }
            ConsumerEffect::Reply { response, .. } => self.render_response(response),
        }
    }

    fn render_record(&self, record: &Record) -> String {
        match record {
            Record::Group(value) => value.map_or_else(
                || "no group".to_owned(),
                |it| format!("group epoch {}", it.group_epoch),
            ),
            Record::Member { member_id, value } => {
                format!("{}member {member_id}", if value.is_some() { "" } else { "no " })
            }
            Record::TargetEpoch(value) => {
                value.map_or_else(|| "no target".to_owned(), |it| format!("target epoch {it}"))
            }
            Record::TargetMember { member_id, value } => match value {
                Some(target) => format!("target {member_id} {}", self.names(target)),
                None => format!("no target {member_id}"),
            },
            Record::CurrentMember { member_id, value } => match value {
                Some(it) => {
                    let mut text = format!(
                        "current {member_id} at {} {:?} {}",
                        it.member_epoch,
                        it.state,
                        self.names(&it.assigned)
                    );
                    if !it.pending_revocation.is_empty() {
                        write!(text, " revoking {}", self.names(&it.pending_revocation)).unwrap();
                    }
                    text
                }
                None => format!("no current {member_id}"),
            },
            Record::Regex { pattern, value } => match value {
                Some(it) => format!("regex {pattern} is {:?}", it.topic_names),
                None => format!("no regex {pattern}"),
            },
        }
    }

    fn render_response(&self, response: &ConsumerResponse) -> String {
        match response {
            ConsumerResponse::Heartbeat(Ok(it)) => {
                let owns = it.assignment.as_ref();
                let owns = owns.map_or(String::new(), |it| format!(" owns {}", self.names(it)));
                format!("reply {} at {}{owns}", it.member_id, it.member_epoch)
            }
            ConsumerResponse::Describe(Ok(it)) => {
                let mut text = format!(
                    "reply {} epoch {} assignment {} {}",
                    it.state, it.group_epoch, it.assignment_epoch, it.assignor
                );
                for member in &it.members {
                    let (id, epoch) = (&member.member_id, member.member_epoch);
                    let (assigned, target) = (&member.assigned, &member.target);
                    let (assigned, target) = (self.names(assigned), self.names(target));
                    write!(text, "; {id} at {epoch} owns {assigned}, target {target}").unwrap();
                }
                text
            }
            ConsumerResponse::Delete(Ok(())) => "reply deleted".to_owned(),
            ConsumerResponse::Heartbeat(Err(it))
            | ConsumerResponse::Describe(Err(it))
            | ConsumerResponse::Delete(Err(it)) => format!("refuse {}", it.code.name()),
        }
    }
}

/// What the log holds after compaction: the last record of each key.
fn compacted(log: &[(Ticket, GroupId, Vec<Record>)]) -> Vec<(GroupId, Record)> {
    let mut last: BTreeMap<(GroupId, String), (usize, Record)> = BTreeMap::new();
    let all = log.iter().flat_map(|(_, group, records)| records.iter().map(move |it| (group, it)));
    for (at, (group, record)) in all.enumerate() {
        let key = match record {
            Record::Group(_) => "group".to_owned(),
            Record::Member { member_id, .. } => format!("member {member_id}"),
            Record::TargetEpoch(_) => "target".to_owned(),
            Record::TargetMember { member_id, .. } => format!("target {member_id}"),
            Record::CurrentMember { member_id, .. } => format!("current {member_id}"),
            Record::Regex { pattern, .. } => format!("regex {pattern}"),
        };
        last.insert((group.clone(), key), (at, record.clone()));
    }
    let mut kept: Vec<_> = last.into_iter().map(|((group, _), (at, it))| (at, group, it)).collect();
    kept.sort_by_key(|(at, ..)| *at);
    kept.into_iter().map(|(_, group, record)| (group, record)).collect()
}
