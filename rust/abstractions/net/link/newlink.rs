// SPDX-License-Identifier: GPL-2.0

//! What a request to make a link says.

use crate::{
    bindings,
    net::{
        link::{
            ifla,
            new_device::{
                NewDevice,
                Owned, //
            },
        },
        namespace::Net,
        netdevice::NetDevice,
        nlattr::{
            Attrs,
            ExtAck,
            LinkAttrs, //
        },
        registered::Registered,
        rtnl::Rtnl, //
    },
};
use core::ptr::NonNull;
use kernel::{
    error::from_err_ptr,
    prelude::*, //
};

/// What a request to make a link says.
///
/// # Context
///
/// Process, RTNL. Does not sleep, but for [`create`](NewLinkParams::create).
///
/// # Invariants
///
/// `params` are those that the core has given to `newlink`, which has not returned; it holds the namespaces in them.
/// `ops` are those of the kind, which is registered meanwhile, and `priv_size` what its devices have.
pub struct NewLinkParams<'a> {
    pub(super) params: *mut bindings::rtnl_newlink_params,
    pub(super) ops: *const bindings::rtnl_link_ops,
    pub(super) template: &'static CStr,
    pub(super) priv_size: usize,
    pub(super) tb: LinkAttrs<'a>,
    pub(super) data: Option<Attrs<'a>>,
}

impl<'a> NewLinkParams<'a> {
    /// Returns the link's attributes.
    pub fn attrs(&self) -> &LinkAttrs<'a> {
        &self.tb
    }

    /// Returns the kind's own attributes.
    pub fn data(&self) -> Option<&Attrs<'a>> {
        self.data.as_ref()
    }

    /// Returns the device that `IFLA_LINK` names, in the namespace of `IFLA_LINK_NETNSID`, else the
    /// requester's. [`EINVAL`] if the request names none, [`ENODEV`] if there is none.
    pub fn lower<'r>(&self, rtnl: &'r Rtnl) -> Result<&'r Registered<NetDevice>> {
        let _ = rtnl;
        let ifindex = self.tb.get(&ifla::LINK)?.ok_or(EINVAL)?;
        let ifindex = c_int::try_from(ifindex).map_err(|_| ENODEV)?;
        // SAFETY: The core holds a reference to the namespace during the request; RTNL is held.
        let dev = unsafe {
            bindings::__dev_get_by_index(bindings::rtnl_newlink_link_net(self.params), ifindex)
        };
        if dev.is_null() {
            return Err(ENODEV);
        }
        // SAFETY: A device that can be found is registered, and is not freed before RTNL is released.
        Ok(unsafe { Registered::assume(NetDevice::from_raw(dev)) })
    }

    /// Returns the namespace for a second device: the one its attributes name, else that of
    /// `IFLA_LINK_NETNSID`, else the requester's. The core has checked the requester's rights.
    pub fn peer_net(&self) -> &Net {
        // SAFETY: The core holds references to these namespaces during the request.
        unsafe { Net::from_raw(bindings::rtnl_newlink_peer_net(self.params)) }
    }

    /// Allocates a second device of this kind in `net`, with what `attrs` say of it
    /// (`rtnl_create_link()`). It is named by them if `named` is set, else by the kind's template.
    pub fn create<'r>(
        &self,
        net: &Net,
        attrs: &LinkAttrs<'_>,
        named: bool,
        ack: &mut ExtAck<'_>,
        _rtnl: &'r Rtnl,
    ) -> Result<NewDevice<'r, Owned>> {
        let mut name = [0u8; IFNAMSIZ];
        let wanted = if named {
            attrs.get(&ifla::IFNAME)?
        } else {
            None
        };
        let assign_type = match wanted {
            Some(wanted) => {
                copy_name(&mut name, wanted);
                bindings::NET_NAME_USER
            }
            None => {
                copy_name(&mut name, self.template.to_bytes());
                bindings::NET_NAME_ENUM
            }
        };
        #[allow(clippy::cast_possible_truncation)]
        // SAFETY: RTNL is held; the name is a terminated string; `ops` is the registered kind that
        // this request is for; the table has `IFLA_MAX + 1` entries, as all tables of links.
        let dev = from_err_ptr(unsafe {
            bindings::rtnl_create_link(
                net.as_ptr(),
                name.as_ptr().cast(),
                // CAST: Both constants are below 8.
                assign_type as u8,
                self.ops,
                attrs.as_ptr(),
                ack.as_ptr(),
            )
        })?;
        let dev = NonNull::new(dev).ok_or(ENOMEM)?;
        // SAFETY: The device is new and ours, and its kind says how large its private area is.
        Ok(unsafe { NewDevice::from_raw(dev, self.priv_size) })
    }
}

/// Room for a device's name, the terminating zero included (`IFNAMSIZ`).
const IFNAMSIZ: usize = bindings::IFNAMSIZ as usize;

/// Copies a name up to its first zero, cut to what fits with a zero behind it.
fn copy_name(to: &mut [u8; IFNAMSIZ], from: &[u8]) {
    let text = from.iter().take_while(|c| **c != 0).take(IFNAMSIZ - 1);
    for (to, from) in to.iter_mut().zip(text) {
        *to = *from;
    }
}
