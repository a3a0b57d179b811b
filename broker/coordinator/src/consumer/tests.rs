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

use ::model::{Live, Now, PartitionIndex, TopicId, TopicPartition};

use super::{
    ConsumerGroup, ConsumerHeartbeat, ConsumerRecord, ConsumerSettings, JOIN_EPOCH, LEAVE_EPOCH,
    Partitions, STATIC_LEAVE_EPOCH, TopicView, Topics,
};
use crate::group::Group;
use crate::tests::compaction;
use crate::tests::embedded::EMBEDDED;
use crate::{
    Client, Coordinator, Effect, Event, GroupId, Record, Request, Response, Settings, Text, Ticket,
    TopicName,
};

fn group() -> GroupId {
    GroupId::from("g")
}

fn client() -> Client {
    Client { id: Text::from("client"), host: Text::from("/127.0.0.1") }
}

/// The core with a log and a clock.
struct Bench {
    core: Coordinator,
    settings: ConsumerSettings,
    topics: Topics,
    now: Now,
    /// What the log holds, and up to which ticket it has said so.
    log: Vec<(Ticket, Vec<Record>)>,
    holds: bool,
    topics_made: u8,
}

impl Bench {
    fn new(settings: ConsumerSettings) -> Self {
        let core = coordinator(&settings);
        let (now, topics) = (Now::default(), Topics::default());
        let mut bench =
            Self { core, settings, topics, now, log: Vec::new(), holds: false, topics_made: 0 };
        bench.restart();
        bench
    }

    fn step(&mut self, event: Event) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.core.step(self.now, event, &self.topics, &mut effects, &mut Live);
        for effect in &effects {
            if let Effect::Write { ticket, records } = effect {
                self.log.push((*ticket, records.to_vec()));
            }
        }
        effects
    }

    fn group(&self) -> Option<&ConsumerGroup> {
        match self.core.groups().get(&group())? {
            Group::Consumer(group) => Some(group),
            Group::Classic(_) => panic!("nobody speaks the classic protocol"),
        }
    }

    fn commit(&mut self) -> Vec<Effect> {
        let ticket = self.log.last().map_or(Ticket::default(), |(ticket, _)| *ticket);
        self.step(Event::Committed { ticket })
    }

    /// Another life of the coordinator over what the log holds.
    fn restart(&mut self) -> Vec<Effect> {
        self.core = coordinator(&self.settings);
        self.step(Event::BeginLoading);
        let records = self.log.iter().flat_map(|(_, records)| records.clone()).collect();
        self.step(Event::Replay { records });
        for (ticket, _) in &mut self.log {
            *ticket = Ticket::default();
        }
        self.step(Event::Loaded)
    }

    fn set_topic(&mut self, name: &str, partition_count: i32) -> Vec<Effect> {
        let id = self.topics.by_name(name).map(|it| it.id).unwrap_or_else(|| {
            self.topics_made += 1;
            TopicId([self.topics_made; 16])
        });
        self.topics.insert(name, TopicView { id, partition_count });
        self.step(Event::TopicsChanged { names: [name.into()].into() })
    }

    /// Lets time pass, with every deadline on the way.
    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        let end = self.now.mono + time;
        let mut effects = Vec::new();
        while let Some(at) = self.core.next_deadline().filter(|at| *at <= end) {
            self.now.mono = at;
            effects.extend(self.step(Event::Tick));
            assert!(self.core.next_deadline() > Some(at) || self.core.next_deadline().is_none());
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

    fn run(&mut self, line: &str) -> Vec<Effect> {
        let words: Vec<&str> = line.split(' ').collect();
        let request = |request| Event::Request { token: 0, request };
        let group = group();
        let effects = match words[0] {
            "topic" => self.set_topic(words[1], words[2].parse().unwrap()),
            "untopic" => {
                self.topics.remove(words[1]);
                self.step(Event::TopicsChanged { names: [words[1].into()].into() })
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
            "describe" => self.step(request(Request::ConsumerGroupDescribe { group })),
            "delete" => self.step(request(Request::DeleteGroup { group })),
            _ => {
                let heartbeat = self.heartbeat(&words);
                self.step(request(Request::ConsumerGroupHeartbeat(Box::new(heartbeat))))
            }
        };
        if self.holds {
            return effects;
        }
        effects.into_iter().chain(self.commit()).collect()
    }

    fn heartbeat(&self, words: &[&str]) -> ConsumerHeartbeat {
        let value =
            |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let list = |key| value(key).map(|it: &str| it.split(',').filter(|it| !it.is_empty()));
        let joins = words[0] == "join";
        let topic_names = list("topics").map(|it| it.map(TopicName::from).collect());
        let owned = list("owned").map(|it| it.map(|it| self.partition(it)).collect());
        ConsumerHeartbeat {
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

    fn render(&self, effect: &Effect) -> String {
        match effect {
            Effect::Write { records, .. } => {
                let records: Vec<String> =
                    records.iter().map(|it| self.render_record(it)).collect();
                format!("write {}", records.join(", "))
            }
            Effect::Reply { response, .. } => self.render_response(response),
        }
    }

    fn render_record(&self, record: &Record) -> String {
        let Record::ConsumerGroup { record, .. } = record else { panic!("{record:?}") };
        match record {
            ConsumerRecord::Group(value) => value.map_or_else(
                || "no group".to_owned(),
                |it| format!("group epoch {}", it.group_epoch),
            ),
            ConsumerRecord::Member { member_id, value } => {
                format!("{}member {member_id}", if value.is_some() { "" } else { "no " })
            }
            ConsumerRecord::TargetEpoch(value) => {
                value.map_or_else(|| "no target".to_owned(), |it| format!("target epoch {it}"))
            }
            ConsumerRecord::TargetMember { member_id, value } => match value {
                Some(target) => format!("target {member_id} {}", self.names(target)),
                None => format!("no target {member_id}"),
            },
            ConsumerRecord::CurrentMember { member_id, value } => match value {
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
            ConsumerRecord::Regex { pattern, value } => match value {
                Some(it) => format!("regex {pattern} is {:?}", it.topic_names),
                None => format!("no regex {pattern}"),
            },
        }
    }

    fn render_response(&self, response: &Response) -> String {
        match response {
            Response::ConsumerGroupHeartbeat(Ok(it)) => {
                let owns = it.assignment.as_ref();
                let owns = owns.map_or(String::new(), |it| format!(" owns {}", self.names(it)));
                format!("reply {} at {}{owns}", it.member_id, it.member_epoch)
            }
            Response::ConsumerGroupDescribe(Ok(it)) => {
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
            Response::DeleteGroup(Ok(())) => "reply deleted".to_owned(),
            Response::DeleteGroup(Err(code)) => format!("refuse {}", code.name()),
            Response::ConsumerGroupHeartbeat(Err(it))
            | Response::ConsumerGroupDescribe(Err(it)) => format!("refuse {}", it.code.name()),
            other => panic!("{other:?}"),
        }
    }
}

fn coordinator(settings: &ConsumerSettings) -> Coordinator {
    Coordinator::new(Settings { consumer: settings.clone(), ..Settings::PRODUCTION }, EMBEDDED)
}

/// What the log holds after compaction.
fn compacted(log: &[(Ticket, Vec<Record>)]) -> Vec<Record> {
    compaction::compacted(log.iter().flat_map(|(_, records)| records))
}
