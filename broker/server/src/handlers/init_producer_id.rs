//! InitProducerId: an id for an idempotent producer.
//!
//! Promises: no id is given twice, over restarts too: each shard gives from a block that the
//! controller allocated durably.
//! Does not: know transactions. A transactional id is answered as by a broker whose transaction
//! coordinator is not up; the APIs behind it are not listed.
//! Source: KIP-98, KIP-360.

use std::rc::Rc;

use controller::{AdminRequest, AdminResponse};
use model::{ErrorCode, ProducerId};
use runtime::Runtime;
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};

use crate::control;
use crate::net::{Close, RequestContext};
use crate::shard::Shard;

/// Ids that this shard may still give out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ProducerIdBlock {
    pub(crate) next: i64,
    pub(crate) left: u32,
}

impl ProducerIdBlock {
    fn take(&mut self) -> Option<ProducerId> {
        self.left = self.left.checked_sub(1)?;
        self.next += 1;
        Some(ProducerId(self.next - 1))
    }
}

pub(crate) async fn handle<R: Runtime>(
    shard: &Rc<Shard<R>>,
    _: &RequestContext<'_>,
    request: InitProducerIdRequest,
) -> Result<InitProducerIdResponse, Close> {
    Ok(match producer_id(shard, &request).await {
        Ok(id) => InitProducerIdResponse { producer_id: id.0, ..InitProducerIdResponse::default() },
        Err(code) => InitProducerIdResponse {
            error_code: code.code(),
            producer_epoch: -1,
            ..InitProducerIdResponse::default()
        },
    })
}

async fn producer_id<R: Runtime>(
    shard: &Rc<Shard<R>>,
    request: &InitProducerIdRequest,
) -> Result<ProducerId, ErrorCode> {
    match request.transactional_id.as_deref() {
        Some("") => return Err(ErrorCode::InvalidRequest),
        Some(_) => return Err(ErrorCode::CoordinatorNotAvailable),
        None => {}
    }
    // Both or neither (KIP-360); without a transactional id the old id is of no use.
    if (request.producer_id == -1) != (request.producer_epoch == -1) {
        return Err(ErrorCode::InvalidRequest);
    }
    loop {
        if let Some(id) = shard.producer_ids.borrow_mut().take() {
            return Ok(id);
        }
        // Two requests may refill at once: the later block replaces the rest of the earlier one,
        // which is then never used.
        let block = allocate(shard).await?;
        *shard.producer_ids.borrow_mut() = block;
    }
}

/// A fresh block, which no other shard or broker gives out.
async fn allocate<R: Runtime>(shard: &Rc<Shard<R>>) -> Result<ProducerIdBlock, ErrorCode> {
    let broker = shard.boot.node_id;
    let broker_epoch = shard.image.borrow().broker(broker).map(|it| it.epoch);
    let broker_epoch = broker_epoch.ok_or(ErrorCode::CoordinatorLoadInProgress)?;
    let request = AdminRequest::AllocateProducerIds { broker, broker_epoch };
    match control::submit(shard, request).await {
        Ok(AdminResponse::ProducerIds { first, count }) => {
            Ok(ProducerIdBlock { next: first.0, left: count })
        }
        Ok(AdminResponse::Refused(refusal)) => Err(refusal.code),
        _ => Err(ErrorCode::CoordinatorNotAvailable),
    }
}
