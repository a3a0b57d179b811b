//! Many futures side by side, a bounded number at a time.

use core::future::{Future, poll_fn};
use core::pin::Pin;
use core::task::Poll;

/// Runs the futures on this task, at most `limit` at a time, begun in their order. Returns what they gave, in the same
/// order. A wake polls every one that runs, so the limit should be small: disks want tens, not thousands.
pub async fn gather<F: Future>(
    futures: impl IntoIterator<Item = F>,
    limit: usize,
) -> Vec<F::Output> {
    assert!(limit > 0, "nothing would ever run");
    let mut waiting = futures.into_iter();
    let mut outputs: Vec<Option<F::Output>> = Vec::new();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    poll_fn(|context| {
        loop {
            while running.len() < limit
                && let Some(future) = waiting.next()
            {
                running.push((outputs.len(), Box::pin(future)));
                outputs.push(None);
            }
            let before = running.len();
            running.retain_mut(|(at, future)| match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    outputs[*at] = Some(output);
                    false
                }
                Poll::Pending => true,
            });
            if running.len() == before {
                return if before == 0 { Poll::Ready(()) } else { Poll::Pending };
            }
        }
    })
    .await;
    outputs.into_iter().map(|output| output.expect("each future ended")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::polling::{Polled, ready};
    use crate::sync::{Notify, channel};

    #[test]
    fn outputs_come_in_the_order_of_the_futures_and_few_run_at_a_time() {
        let (sender, mut receiver) = channel(8);
        let gates: Vec<Notify> = (0..4).map(|_| Notify::new()).collect();
        let futures = gates.iter().enumerate().map(|(at, gate)| {
            let begun = sender.clone();
            async move {
                begun.try_send(at).expect("room");
                gate.notified().await;
                at
            }
        });
        let mut all = Polled::new(gather(futures, 2));
        assert_eq!(all.poll(), None);
        let mut begun = || core::iter::from_fn(|| receiver.try_recv()).collect::<Vec<_>>();
        assert_eq!(begun(), [0, 1]);
        gates[1].notify();
        assert_eq!(all.poll(), None);
        assert_eq!(begun(), [2]);
        gates.iter().for_each(Notify::notify);
        assert_eq!(all.poll(), Some(vec![0, 1, 2, 3]));
        assert_eq!(ready(gather(Vec::<core::future::Ready<()>>::new(), 1)), []);
    }
}
