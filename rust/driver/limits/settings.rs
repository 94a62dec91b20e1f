// SPDX-License-Identifier: GPL-2.0

//! The limits of an endpoint, as a request says them and a dump shows them.

use super::bucket::{
    MAX_BYTES,
    MAX_PACKETS, //
};
use crate::{
    refusal::Refusal,
    uapi, //
};
use abstractions::net::nlattr::{
    total_size,
    Attr,
    AttrWriter,
    ExtAck,
    Field,
    NestTable,
    PolicyTable,
    U32,
    U64, //
};
use kernel::prelude::*;

/// The attributes of one direction.
struct Fields {
    rate: Field<U64>,
    burst: Field<U32>,
    pps: Field<U32>,
    pps_burst: Field<U32>,
}

const TX: Fields = Fields {
    rate: Field::new(uapi::IFLA_RNETVIRT_LIMIT_TX_RATE),
    burst: Field::new(uapi::IFLA_RNETVIRT_LIMIT_TX_BURST),
    pps: Field::new(uapi::IFLA_RNETVIRT_LIMIT_TX_PPS),
    pps_burst: Field::new(uapi::IFLA_RNETVIRT_LIMIT_TX_PPS_BURST),
};

const RX: Fields = Fields {
    rate: Field::new(uapi::IFLA_RNETVIRT_LIMIT_RX_RATE),
    burst: Field::new(uapi::IFLA_RNETVIRT_LIMIT_RX_BURST),
    pps: Field::new(uapi::IFLA_RNETVIRT_LIMIT_RX_PPS),
    pps_burst: Field::new(uapi::IFLA_RNETVIRT_LIMIT_RX_PPS_BURST),
};

const BROADCAST: Field<U32> = Field::new(uapi::IFLA_RNETVIRT_LIMIT_BROADCAST);

const ATTRS: usize = uapi::IFLA_RNETVIRT_LIMIT_MAX as usize + 1;

static POLICY: PolicyTable<ATTRS> = PolicyTable::new()
    .with(&TX.rate)
    .with(&TX.burst)
    .with(&TX.pps)
    .with(&TX.pps_burst)
    .with(&RX.rate)
    .with(&RX.burst)
    .with(&RX.pps)
    .with(&RX.pps_burst)
    .with(&BROADCAST);

/// What is said of one direction; zero is not limited, or for a burst, what is usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// Bytes a second.
    pub(crate) rate: u64,
    burst: u32,
    /// Packets a second.
    pub(crate) pps: u32,
    pps_burst: u32,
}

impl Way {
    /// How many bytes may come at once: a tenth of a second's, and a packet as large as they are; unless
    /// somebody says otherwise.
    pub(crate) fn burst(&self) -> u32 {
        const USUAL: u32 = 1 << 16;
        match self.burst {
            0 => u32::try_from(self.rate / 10).unwrap_or(u32::MAX).max(USUAL),
            burst => burst,
        }
    }

    /// The same in packets.
    pub(crate) fn pps_burst(&self) -> u32 {
        match self.pps_burst {
            0 => usual_pps_burst(self.pps),
            burst => burst,
        }
    }

    #[cfg(rnetvirt_kunit)]
    pub(crate) fn for_tests(rate: u64, pps: u32) -> Self {
        Self {
            rate,
            pps,
            ..Self::default()
        }
    }

    fn change(&mut self, fields: &Fields, data: &NestTable<'_, ATTRS>) -> Result {
        if let Some(rate) = data.get(&fields.rate)? {
            *self = Self {
                rate,
                burst: 0,
                ..*self
            };
        }
        if let Some(pps) = data.get(&fields.pps)? {
            *self = Self {
                pps,
                pps_burst: 0,
                ..*self
            };
        }
        self.burst = data.get(&fields.burst)?.unwrap_or(self.burst);
        self.pps_burst = data.get(&fields.pps_burst)?.unwrap_or(self.pps_burst);
        Ok(())
    }

    fn check(&self) -> Result<(), Refusal> {
        if self.rate > MAX_BYTES || self.pps > MAX_PACKETS {
            return Err(Refusal::LimitTooHigh);
        }
        if self.rate == 0 && self.burst != 0 || self.pps == 0 && self.pps_burst != 0 {
            return Err(Refusal::BurstWithoutRate);
        }
        Ok(())
    }

    fn fill(&self, fields: &Fields, msg: &mut AttrWriter<'_>) -> Result {
        if self.rate != 0 {
            msg.put_u64(&fields.rate, self.rate)?;
            msg.put_u32(&fields.burst, self.burst())?;
        }
        if self.pps != 0 {
            msg.put_u32(&fields.pps, self.pps)?;
            msg.put_u32(&fields.pps_burst, self.pps_burst())?;
        }
        Ok(())
    }
}

/// How many packets may come at once, unless somebody says otherwise.
pub(crate) fn usual_pps_burst(pps: u32) -> u32 {
    (pps / 10).max(16)
}

/// The limits that are set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) tx: Way,
    pub(crate) rx: Way,
    /// Packets to groups a second that are sent; zero is not limited.
    pub(crate) broadcast: u32,
}

impl Settings {
    /// These, and what a request says beside; what it does not say stays.
    pub(crate) fn with(mut self, nest: Attr<'_>, ack: &mut ExtAck<'_>) -> Result<Self> {
        let data = NestTable::parse_strict(nest, &POLICY, ack)?;
        self.tx.change(&TX, &data)?;
        self.rx.change(&RX, &data)?;
        self.broadcast = data.get(&BROADCAST)?.unwrap_or(self.broadcast);
        if let Err(refusal) = self.check() {
            return Err(ack.refuse_attr(Some(nest), refusal));
        }
        Ok(self)
    }

    fn check(&self) -> Result<(), Refusal> {
        self.tx.check()?;
        self.rx.check()?;
        if self.broadcast > MAX_PACKETS {
            return Err(Refusal::LimitTooHigh);
        }
        Ok(())
    }

    /// Whether nothing is limited.
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Room for what [`fill`](Self::fill) writes, in bytes.
    pub(crate) const FILL_SIZE: usize = 2 * total_size(8) + 7 * total_size(4);

    /// Writes them, `IFLA_RNETVIRT_LIMIT_*`: what is limited, and how large bursts are then.
    pub(crate) fn fill(&self, msg: &mut AttrWriter<'_>) -> Result {
        self.tx.fill(&TX, msg)?;
        self.rx.fill(&RX, msg)?;
        if self.broadcast != 0 {
            msg.put_u32(&BROADCAST, self.broadcast)?;
        }
        Ok(())
    }
}
