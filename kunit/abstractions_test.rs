// SPDX-License-Identifier: GPL-2.0

//! The abstractions against the running kernel.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_abstractions)]
mod tests {
    use abstractions::{
        context::Rcu,
        net::{
            dev_ref::DevRef,
            link::is_valid_ether_addr,
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
                Rtnl, //
            },
            stats::Counter,
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
    fn ether_addresses() {
        assert!(is_valid_ether_addr(&[0x02, 0, 0, 0, 0, 1]));
        assert!(is_valid_ether_addr(&[0, 0, 0, 0, 0, 1]));
        assert!(!is_valid_ether_addr(&[0; 6]));
        assert!(!is_valid_ether_addr(&[0xff; 6]));
        assert!(!is_valid_ether_addr(&[0x01, 0, 0x5e, 0, 0, 1]));
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
        drop(rtnl::lock());
        drop(rtnl::lock());
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
        let registration = KBox::pin_init(
            notifier::Registration::new(Ok(Shared(recorder.clone()))),
            GFP_KERNEL,
        )?;
        // The loopback device of the first namespace has index 1, always.
        assert_eq!(recorder.loopback.load(Relaxed), 1);
        let registered = recorder.registered.load(Relaxed);
        assert!(registered >= 1);
        drop(registration);
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
        let first = KBox::pin_init(
            notifier::Registration::new(Ok(Grumbler(heard.clone()))),
            GFP_KERNEL,
        )?;
        let second = KBox::pin_init(
            notifier::Registration::new(Ok(Grumbler(heard.clone()))),
            GFP_KERNEL,
        )?;
        let held = heard.loopback.lock().take().ok_or(ENODEV)?;
        {
            let rtnl = rtnl::lock();
            let dev = held.registered(&rtnl).ok_or(ENODEV)?;
            assert!(!dev.is_unregistering());
            // To what it is, of which everybody is told all the same.
            dev.set_mac_address_user(LOOPBACK, dev.mac(), &rtnl)?;
            // Each of the two has heard, whichever came first.
            assert_eq!(heard.changed.load(Relaxed), 2);
        }
        drop((held, first, second));
        Ok(())
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
        let err = KBox::pin_init(notifier::Registration::new(Ok(Refuse)), GFP_KERNEL).err();
        assert_eq!(err, Some(EADDRINUSE));
    }
}
