// SPDX-License-Identifier: GPL-2.0

//! MAC addresses of endpoints, by which packets find them.

use crate::endpoint::Macvlan;
use abstractions::{
    context::Rcu,
    net::{
        mac::Mac,
        netdevice::Link,
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

    /// Asks the lower device, which has forgotten, for what is for the endpoint, which is up.
    pub(crate) fn ask_again(dev: &Link<Self>, rtnl: &Rtnl) {
        let this = dev.data();
        let port = &this.port;
        if !port.is_passthru() {
            // Nobody is left to tell if it fails.
            let mac = Mac::from_key(this.hashed.load(Relaxed));
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
                    let old = Mac::from_key(this.hashed.load(Relaxed));
                    this.hashed.store(mac.key(), Relaxed);
                    dev.write_mac(mac, rtnl);
                    port.macs.remove(old.key(), dev, rtnl);
                    if let Some(lower) = lower {
                        let _ = lower.uc_del(old, rtnl);
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
