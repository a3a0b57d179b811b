//! Faults that show little alone: what one leaves open the next one uses.
//!
//! A device that stands still, a producer that loses its connection and sends again, and no power before
//! the device goes on: whatever was told too early is gone.

use crate::plan::dice::Dice;
use crate::plan::{
    ClientPlan, Fault, FaultKind, Keeps, Machine, ProducerPlan, Setup, Span, Target,
};

const SECOND_US: u64 = 1_000_000;
const STALL_US: u64 = 4 * SECOND_US;
/// A batch is under way by then.
const RESET_AFTER_US: u64 = 3 * SECOND_US / 2;
/// It has been sent again by then.
const POWER_LOSS_AFTER_US: u64 = 3 * SECOND_US;
const DOWN_US: u64 = SECOND_US / 5;

/// In one run of six, if acknowledgements wait for the disk and a producer sends again.
pub(crate) fn draw(
    dice: &mut Dice,
    span: Span,
    setup: &Setup,
    clients: &[ClientPlan],
) -> Vec<Fault> {
    let is_there = dice.one_in(6);
    let begins_us = dice.within(0..=span.faults_us - 2 * STALL_US);
    let senders: Vec<u16> = (1..)
        .zip(clients)
        .filter(|(_, client)| matches!(client, ClientPlan::Producer(it) if sends_again(it)))
        .map(|(number, _)| number)
        .collect();
    if !is_there || senders.is_empty() || !setup.is_durable() {
        return Vec::new();
    }
    let (client, node) = (Machine::Client(dice.pick(&senders)), Machine::Node(1));
    let fault = |after_us, duration_us, target, kind| Fault {
        at_us: begins_us + after_us,
        after: None,
        target,
        duration_us,
        kind,
        refused: false,
    };
    let link = Target::Link { from: client, to: node };
    let no_power = FaultKind::PowerLoss { keeps: Keeps::Nothing };
    vec![
        fault(0, STALL_US, Target::At(node), FaultKind::StalledDisk),
        fault(RESET_AFTER_US, 0, link, FaultKind::Reset),
        fault(POWER_LOSS_AFTER_US, DOWN_US, Target::At(node), no_power),
    ]
}

fn sends_again(producer: &ProducerPlan) -> bool {
    producer.idempotent && producer.retries && producer.acks != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    #[test]
    fn a_chain_comes_in_order_and_before_the_heal() {
        let mut chains = 0;
        for seed in 0..200 {
            let plan = Plan::from_seed(seed);
            let mut dice = Dice::new(seed, "chain");
            let chain = draw(&mut dice, plan.span, &plan.setup, &plan.clients);
            assert!(chain.is_sorted_by_key(|fault| fault.at_us));
            assert!(chain.iter().all(|fault| fault.at_us < plan.span.faults_us));
            assert!(chain.iter().all(|fault| plan.schedule.contains(fault)));
            chains += usize::from(!chain.is_empty());
        }
        assert!(chains > 5, "{chains}");
    }
}
