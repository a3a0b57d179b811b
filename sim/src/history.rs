//! What happens in a run, on its way from who knows it to who judges it.
//!
//! Promises: facts come out in the order in which they were told. The world takes one step at a time
//! and the history is emptied after each, so every fact has the time of its step.

use core::cell::RefCell;
use std::rc::Rc;

use model::TopicPartition;

use crate::checkers::Fact;

/// Something that no checker has to look for: whoever saw it knows that it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// Short and without figures: part of the violation's class.
    pub(crate) kind: &'static str,
    pub(crate) at: TopicPartition,
    pub(crate) text: String,
    /// The directory of the log whose bytes are wrong, if they are: a disk that gave other bytes than
    /// were written explains that.
    pub(crate) read_from: Option<String>,
}

/// Clones share one history.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(Rc<RefCell<Untold>>);

#[derive(Debug, Default)]
struct Untold {
    facts: Vec<Fact>,
    complaints: Vec<Complaint>,
}

impl History {
    pub(crate) fn tell(&self, fact: Fact) {
        self.0.borrow_mut().facts.push(fact);
    }

    pub(crate) fn complain(&self, complaint: Complaint) {
        self.0.borrow_mut().complaints.push(complaint);
    }

    /// What was told since the last call.
    pub(crate) fn take_facts(&self) -> Vec<Fact> {
        core::mem::take(&mut self.0.borrow_mut().facts)
    }

    pub(crate) fn take_complaints(&self) -> Vec<Complaint> {
        core::mem::take(&mut self.0.borrow_mut().complaints)
    }
}
