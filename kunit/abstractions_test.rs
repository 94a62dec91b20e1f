// SPDX-License-Identifier: GPL-2.0

//! The abstractions against the running kernel.

use abstractions::net::{
    ethtool::DriverInfo,
    link::{
        priv_size,
        Finished,
        FromCore,
        NewDevice,
        NewLinkParams,
        RtnlLinkOps,
        SetupDevice, //
    },
    net_device_ops::XmitContext,
    nlattr::{
        Attrs,
        Bytes,
        ExtAck,
        Field,
        LinkAttrs,
        Policy,
        PolicyTable, //
    },
    rtnl::Rtnl,
    rx_handler::{
        Deferred,
        Egress,
        Handler,
        RxContext,
        RxHandler,
        Verdict, //
    },
    skbuff::{
        EthFrame,
        RxSkb, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Relaxed,
            Atomic, //
        },
        Arc, //
    },
};

/// A handler that passes all packets on to protocols, and says when it is dropped.
pub(crate) struct Deaf {
    dropped: Arc<Atomic<i32>>,
}

impl RxHandler for Deaf {
    const PASSES_ON: bool = false;

    fn receive<'a>(_this: &'a Handler<Self>, skb: RxSkb<'a>, _cx: &RxContext<'a>) -> Verdict<'a> {
        Verdict::pass(skb)
    }

    fn deferred<'a>(
        _this: &'a Handler<Self>,
        _skb: &RxSkb<'a>,
        _note: [u64; 2],
        _cx: &Deferred<'a>,
    ) {
    }
}

impl Egress for Deaf {
    type Taker<'a> = ();

    fn taker<'a>(_: &'a Handler<Self>, _: &EthFrame<'_>, _: &XmitContext<'a>) -> Option<()> {
        None
    }

    fn take((): (), frame: EthFrame<'_>, _: &XmitContext<'_>) {
        drop(frame);
    }
}

impl Drop for Deaf {
    fn drop(&mut self) {
        self.dropped.add(1, Relaxed);
    }
}

/// A kind of which there are no devices.
pub(crate) enum Barren {}

static POLICY: PolicyTable<2> = PolicyTable::new().with(&Field::<Bytes<16>>::new(1));

#[vtable]
impl RtnlLinkOps for Barren {
    const KIND: &'static CStr = c"rnetvirt_kunit";
    const NAME_TEMPLATE: &'static CStr = c"rnetvirt_kunit%d";
    const POLICY: &'static [Policy] = POLICY.rows();
    const DRIVER: DriverInfo = DriverInfo {
        driver: c"rnetvirt_kunit",
        version: c"1.0",
    };
    const PEER: Option<u16> = Some(1);
    const PRIV_SIZE: usize = priv_size::<()>();

    fn setup(_dev: &mut SetupDevice<'_>, _tb: &LinkAttrs<'_>) {}

    fn validate(_: &LinkAttrs<'_>, _: Option<&Attrs<'_>>, _: &mut ExtAck<'_>) -> Result {
        Ok(())
    }

    fn newlink<'a>(
        _dev: NewDevice<'a, FromCore>,
        _params: &NewLinkParams<'_>,
        _ack: &mut ExtAck<'_>,
        _rtnl: &'a Rtnl,
    ) -> Result<Finished<'a>> {
        Err(EOPNOTSUPP)
    }
}

#[kunit_tests(rnetvirt_abstractions)]
mod tests {
    use super::Deaf;
    use abstractions::{
        context::{
            disable_bh,
            Rcu, //
        },
        net::{
            dev_ref::DevRef,
            netdevice::NetDevice,
            nlattr::total_size,
            notifier::{
                self,
                Details,
                Event,
                Notifier, //
            },
            registered::Registered,
            rtnl::{
                self,
                Rtnl,
                Unlocked, //
            },
            rx_handler::{
                Handler,
                HAS_EGRESS, //
            },
            stats::Counter,
        },
        testing::{
            is_scheduled,
            tx_queue,
            unlocked, //
        },
    };
    use kernel::{
        new_mutex,
        prelude::*,
        sync::{
            atomic::{
                ordering::Relaxed,
                Atomic, //
            },
            rcu,
            Arc,
            Mutex, //
        },
    };

    #[test]
    fn attributes_are_aligned_to_four_bytes() {
        for (payload, total) in [(0, 4), (1, 8), (4, 8), (5, 12), (16, 20)] {
            assert_eq!(total_size(payload), total);
        }
    }

    #[test]
    fn counter_counts() {
        let counter = Counter::new();
        assert_eq!(counter.get(), 0);
        counter.inc();
        counter.inc();
        assert_eq!(counter.get(), 2);
    }

    #[test]
    fn rtnl_can_be_taken_again_after_it_was_released() {
        let mut unlocked = unlocked();
        drop(rtnl::lock(&mut unlocked));
        drop(rtnl::lock(&mut unlocked));
    }

    #[test]
    fn rcu_proof_from_a_guard() {
        let guard = rcu::read_lock();
        let _rcu = Rcu::new(&guard);
    }

    /// Remembers the loopback device, and how many devices there were.
    struct Recorder {
        loopback: Atomic<i32>,
        registered: Atomic<i32>,
        unregistered: Atomic<i32>,
    }

    struct Shared(Arc<Recorder>);

    impl Notifier for Shared {
        fn event(
            &self,
            event: Event,
            dev: &Registered<NetDevice>,
            _more: &Details<'_>,
            rtnl: &Rtnl,
        ) -> Result {
            match event {
                Event::REGISTER => {
                    self.0.registered.add(1, Relaxed);
                    if dev.name(rtnl).to_bytes() == b"lo" {
                        self.0.loopback.store(dev.ifindex(), Relaxed);
                    }
                }
                Event::UNREGISTER => self.0.unregistered.add(1, Relaxed),
                _ => {}
            }
            Ok(())
        }
    }

    #[test]
    fn notifier_replays_existing_devices() -> Result {
        let recorder = Arc::new(
            Recorder {
                loopback: Atomic::new(0),
                registered: Atomic::new(0),
                unregistered: Atomic::new(0),
            },
            GFP_KERNEL,
        )?;
        let registered = notifier::with(Shared(recorder.clone()), &mut unlocked(), |_, _| {
            // The loopback device of the first namespace has index 1, always.
            assert_eq!(recorder.loopback.load(Relaxed), 1);
            recorder.registered.load(Relaxed)
        })?;
        assert!(registered >= 1);
        // Going away is replayed, too: what was seen to come is seen to go.
        assert_eq!(recorder.unregistered.load(Relaxed), registered);
        Ok(())
    }

    /// `ARPHRD_LOOPBACK`.
    const LOOPBACK: u16 = 772;

    /// Says no to a change that has happened, and counts how often it has heard of one.
    struct Grumbler(Arc<Heard>);

    #[pin_data]
    struct Heard {
        #[pin]
        loopback: Mutex<Option<DevRef>>,
        changed: Atomic<i32>,
    }

    impl Notifier for Grumbler {
        fn event(
            &self,
            event: Event,
            dev: &Registered<NetDevice>,
            _more: &Details<'_>,
            rtnl: &Rtnl,
        ) -> Result {
            match event {
                Event::REGISTER if dev.name(rtnl).to_bytes() == b"lo" => {
                    let mut first = self.0.loopback.lock();
                    if first.is_none() {
                        *first = Some(DevRef::new(dev, rtnl)?);
                    }
                    Ok(())
                }
                Event::CHANGE_ADDR => {
                    self.0.changed.add(1, Relaxed);
                    Err(EBUSY)
                }
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn who_errs_without_being_asked_does_not_keep_others_from_hearing() -> Result {
        let heard = Arc::pin_init(
            pin_init!(Heard {
                loopback <- new_mutex!(None),
                changed: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;
        let change_address = |unlocked: &mut Unlocked| -> Result {
            let held = heard.loopback.lock().take().ok_or(ENODEV)?;
            let rtnl = rtnl::lock(unlocked);
            let dev = held.registered(&rtnl).ok_or(ENODEV)?;
            assert!(!dev.is_unregistering());
            // To what it is, of which everybody is told all the same.
            dev.set_mac_address_user(LOOPBACK, dev.mac(), &rtnl)?;
            // Each of the two has heard, whichever came first.
            assert_eq!(heard.changed.load(Relaxed), 2);
            Ok(())
        };
        notifier::with(Grumbler(heard.clone()), &mut unlocked(), |_, unlocked| {
            notifier::with(Grumbler(heard.clone()), unlocked, |_, unlocked| {
                change_address(unlocked)
            })
        })??
    }

    /// Refuses the first device that it is told about.
    struct Refuse;

    impl Notifier for Refuse {
        fn event(
            &self,
            event: Event,
            _dev: &Registered<NetDevice>,
            _more: &Details<'_>,
            _rtnl: &Rtnl,
        ) -> Result {
            match event {
                Event::REGISTER => Err(EADDRINUSE),
                _ => Ok(()),
            }
        }
    }

    #[test]
    fn notifier_that_refuses_what_exists_is_not_registered() {
        let err = notifier::with(Refuse, &mut unlocked(), |_, _| ()).err();
        assert_eq!(err, Some(EADDRINUSE));
    }

    /// Does something with the loopback device.
    struct Loopback<F>(F);

    impl<F: Fn(&NetDevice, &Rtnl) -> Result + Send + Sync + 'static> Notifier for Loopback<F> {
        fn event(
            &self,
            event: Event,
            dev: &Registered<NetDevice>,
            _more: &Details<'_>,
            rtnl: &Rtnl,
        ) -> Result {
            if event == Event::REGISTER && dev.ifindex() == 1 && dev.name(rtnl).to_bytes() == b"lo"
            {
                (self.0)(dev, rtnl)?;
            }
            Ok(())
        }
    }

    type Counted<T> = (Arc<T>, Arc<Atomic<i32>>);

    /// A handler, and how often it was dropped.
    fn handler() -> Result<Counted<Handler<Deaf>>> {
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let new = Handler::new(Deaf {
            dropped: dropped.clone(),
        });
        Ok((Arc::pin_init(new, GFP_KERNEL)?, dropped))
    }

    #[test]
    fn handlers_are_attached_once() -> Result {
        let (one, dropped) = handler()?;
        let other = handler()?.0;
        notifier::with(
            Loopback(move |dev: &NetDevice, rtnl: &Rtnl| {
                Handler::attach(&one, dev, rtnl)?;
                assert_eq!(Handler::attach(&one, dev, rtnl).err(), Some(EBUSY));
                assert_eq!(Handler::attach(&other, dev, rtnl).err(), Some(EBUSY));
                assert!(one.is_attached() && !other.is_attached());
                // Not attached there.
                Handler::detach(&other, dev, rtnl);
                assert!(one.is_attached());
                Handler::detach(&one, dev, rtnl);
                assert!(!one.is_attached());
                // And again.
                Handler::attach(&one, dev, rtnl)?;
                Handler::detach(&one, dev, rtnl);
                Handler::detach(&one, dev, rtnl);
                Ok(())
            }),
            &mut unlocked(),
            |_, _| (),
        )?;
        assert_eq!(dropped.load(Relaxed), 1);
        Ok(())
    }

    /// Frames of devices on top are to have a mark before anybody asks about frames without one.
    #[test]
    fn what_a_device_sends_is_looked_at_by_marks() -> Result {
        let handler = handler()?.0;
        let hooked = if HAS_EGRESS { Ok(()) } else { Err(EOPNOTSUPP) };
        notifier::with(
            Loopback(move |dev: &NetDevice, rtnl: &Rtnl| {
                for _ in 0..2 {
                    assert_eq!(handler.make_mark(rtnl).err(), Some(ENODEV));
                    assert_eq!(handler.hook_egress(rtnl).err(), Some(EINVAL));
                    handler.unhook_egress(rtnl);
                    Handler::attach(&handler, dev, rtnl)?;
                    assert_eq!(handler.hook_egress(rtnl).err(), Some(EINVAL));
                    for _ in 0..2 {
                        handler.make_mark(rtnl)?;
                        assert_eq!(handler.hook_egress(rtnl), hooked);
                        assert_eq!(handler.hook_egress(rtnl), hooked);
                        handler.unhook_egress(rtnl);
                        handler.unhook_egress(rtnl);
                    }
                    // What is left ends with the handler.
                    assert_eq!(handler.hook_egress(rtnl), hooked);
                    Handler::detach(&handler, dev, rtnl);
                }
                Ok(())
            }),
            &mut unlocked(),
            |_, _| (),
        )
    }

    /// Packets of others may wait by then: who runs the discipline has seen the queue stopped, and left.
    #[test]
    fn a_queue_that_is_started_again_is_looked_at() -> Result {
        // Each namespace has a loopback device.
        let missed = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let looked = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let (misses, looks) = (missed.clone(), looked.clone());
        notifier::with(
            Loopback(move |dev: &NetDevice, _: &Rtnl| {
                let queue = tx_queue(dev, 0).ok_or(ENODEV)?;
                let softirqs = disable_bh();
                let bh = softirqs.bh();
                let before = is_scheduled(&queue, bh);
                let stopped = queue.try_stop(|| true);
                let seen = !before && !stopped && is_scheduled(&queue, bh);
                let count = if seen { &looks } else { &misses };
                count.fetch_add(1, Relaxed);
                // Nothing to start: nothing to look at.
                assert!(!queue.wake(bh));
                Ok(())
            }),
            &mut unlocked(),
            |_, _| (),
        )?;
        assert_eq!(missed.load(Relaxed), 0);
        assert!(looked.load(Relaxed) > 0);
        Ok(())
    }

    #[test]
    fn handlers_are_dropped_where_nobody_may_sleep() -> Result {
        let (handler, dropped) = handler()?;
        let guard = rcu::read_lock();
        drop(handler);
        drop(guard);
        assert_eq!(dropped.load(Relaxed), 1);
        Ok(())
    }

    /// The end of the module takes it back: if not, the next packet of the loopback device runs code
    /// that is gone (`module.test.sh`).
    #[test]
    fn handlers_that_nobody_detaches_keep_themselves() -> Result {
        let (handler, dropped) = handler()?;
        notifier::with(
            Loopback(move |dev: &NetDevice, rtnl: &Rtnl| {
                // That of the first namespace.
                if handler.is_attached() {
                    return Ok(());
                }
                Handler::attach(&handler, dev, rtnl)
            }),
            &mut unlocked(),
            |_, _| (),
        )?;
        assert_eq!(dropped.load(Relaxed), 0);
        Ok(())
    }
}
