// SPDX-License-Identifier: GPL-2.0

//! MAC addresses of endpoints, by which packets find them.

use crate::endpoint::Macvlan;
use abstractions::{
    context::Rcu,
    net::{
        mac::Mac,
        netdevice::{
            Link,
            NetDevice, //
        },
        registered::Registered,
        rtnl::Rtnl, //
    },
};
use kernel::{
    prelude::*,
    sync::{
        atomic::ordering::Relaxed,
        rcu, //
    },
};

impl Macvlan {
    /// [`EADDRINUSE`] if the lower device or a sibling that is up has that address. Who it is goes to
    /// the kernel's log: a request that brings a link up has no other way to tell.
    pub(super) fn check_mac_is_free(dev: &Link<Self>, mac: Mac) -> Result {
        let port = &dev.data().port;
        let guard = rcu::read_lock();
        let owner = if !port.is_passthru() && port.lower().mac() == mac {
            Some(port.lower())
        } else {
            port.macs
                .find(mac.key(), Rcu::new(&guard))
                .map(|sibling| &**sibling)
        };
        match owner {
            Some(owner) => {
                dev.log_conflict(owner);
                Err(EADDRINUSE)
            }
            None => Ok(()),
        }
    }

    /// The lower device has another address now. It may be that of the endpoint, by which packets then do not
    /// find that any more: what is for the lower device, and so for its host and for endpoints of flavor ipvlan,
    /// is not for who took the address before. An endpoint whose address has become free is found by it again.
    pub(crate) fn yield_mac(dev: &Link<Self>, lower: &Registered<NetDevice>, rtnl: &Rtnl) {
        let this = dev.data();
        let port = &this.port;
        let (mac, hashed) = (dev.mac(), this.hashed.load(Relaxed));
        if !dev.is_up() {
            return;
        }
        if hashed != 0 && mac == lower.mac() {
            port.macs.remove(hashed, dev, rtnl);
            this.hashed.store(0, Relaxed);
            let _ = lower.uc_del(mac, rtnl);
            dev.log_conflict(lower);
        } else if hashed == 0 && mac != lower.mac() && Self::sync_mac(dev, mac, rtnl).is_err() {
            dev.log_error(
                c"packets do not find it by its address: no memory, or another one has it",
            );
        }
    }

    /// Asks the lower device, which has forgotten, for what is for the endpoint, which is up.
    pub(crate) fn ask_again(dev: &Link<Self>, rtnl: &Rtnl) {
        let this = dev.data();
        let port = &this.port;
        let hashed = this.hashed.load(Relaxed);
        if !port.is_passthru() && hashed != 0 {
            // Nobody is left to tell if it fails.
            let mac = Mac::from_key(hashed);
            let _ = port
                .lower_rtnl(rtnl)
                .and_then(|lower| lower.uc_add(mac, rtnl));
        }
    }

    /// Has packets find the endpoint by another address, if it is up.
    pub(crate) fn sync_mac(dev: &Link<Self>, mac: Mac, rtnl: &Rtnl) -> Result {
        let this = dev.data();
        let port = &this.port;
        if dev.is_up() && mac.key() != this.hashed.load(Relaxed) {
            Self::check_mac_is_free(dev, mac)?;
            let lower = match port.is_passthru() {
                true => None,
                false => Some(port.lower_rtnl(rtnl)?),
            };
            if let Some(lower) = lower {
                lower.uc_add(mac, rtnl)?;
            }
            match (port.macs.insert(mac.key(), dev, rtnl), lower) {
                (Ok(()), _) => {
                    let old = this.hashed.load(Relaxed);
                    this.hashed.store(mac.key(), Relaxed);
                    dev.write_mac(mac, rtnl);
                    if old != 0 {
                        port.macs.remove(old, dev, rtnl);
                        if let Some(lower) = lower {
                            let _ = lower.uc_del(Mac::from_key(old), rtnl);
                        }
                    }
                }
                (Err(err), Some(lower)) => {
                    let _ = lower.uc_del(mac, rtnl);
                    return Err(err);
                }
                // In mode passthru the lower device has the new address already, and packets find
                // the endpoint without: it follows, and stays in the table by its former one.
                (Err(_), None) => dev.write_mac(mac, rtnl),
            }
        } else {
            dev.write_mac(mac, rtnl);
        }
        if port.is_passthru() && !port.changing_mac.load(Relaxed) {
            port.remember_own_mac(rtnl);
        }
        Ok(())
    }
}
