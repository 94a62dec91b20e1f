// SPDX-License-Identifier: GPL-2.0

//! What a module has registered, from when it is loaded until it goes.
//!
//! C has pointers to what is registered, so it must not move, and must be unregistered before the
//! module's code is gone. Therefore it is static, made by [`module_links!`](crate::module_links), and
//! what unregisters it belongs to the module alone: a driver has nothing that it could leak, forget,
//! make twice or bring into another order.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::Full,
            Atomic, //
        },
        rcu::rcu_barrier, //
    },
};

/// Something static that C has a pointer to while it is registered.
pub trait Registrable: Sync {
    /// Registers it, wholly or not at all.
    ///
    /// Context: process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It must not be registered, and has to be unregistered before the module goes.
    unsafe fn register(&'static self) -> Result;

    /// Takes that back, and waits until nobody runs its code; what may be left are RCU callbacks.
    ///
    /// Context: process, may sleep, RTNL not held.
    ///
    /// # Safety
    ///
    /// It must be registered.
    unsafe fn unregister(&'static self);
}

/// What a module registers, in this order.
pub struct List {
    entries: &'static [&'static dyn Registrable],
    is_taken: Atomic<u32>,
}

impl List {
    /// A list of which nothing is registered.
    pub const fn new(entries: &'static [&'static dyn Registrable]) -> Self {
        Self {
            entries,
            is_taken: Atomic::new(0),
        }
    }
}

/// Keeps the entries of a [`List`] registered.
///
/// # Invariants
///
/// The first `count` entries are registered.
pub struct Registrations {
    list: &'static List,
    count: usize,
}

impl Registrations {
    /// Registers all entries, or none. [`EBUSY`] if the list was registered before: it is for once.
    ///
    /// # Safety
    ///
    /// No entry may be in another list, or in this one twice, and the result must be dropped before the
    /// module goes.
    pub unsafe fn new(list: &'static List) -> Result<Self> {
        list.is_taken.cmpxchg(0, 1, Full).map_err(|_| EBUSY)?;
        // INVARIANT: Nothing is registered. If something cannot be, what was is when this is dropped.
        let mut this = Self { list, count: 0 };
        for entry in list.entries {
            // SAFETY: By the caller's guarantee, and as the list is taken by us.
            unsafe { entry.register()? };
            // INVARIANT: Just registered.
            this.count = this.count.saturating_add(1);
        }
        Ok(this)
    }
}

impl Drop for Registrations {
    fn drop(&mut self) {
        for entry in self.list.entries.iter().take(self.count).rev() {
            // SAFETY: By the type's invariants.
            unsafe { entry.unregister() };
        }
        // No link is left that could give a reference away, but the callbacks of references that were
        // (`net::hold`) are this module's code.
        rcu_barrier();
    }
}

/// Declares a module and what it registers.
///
/// After the module's `type` come lists of types, each of which may be left out, in the order in which
/// they are registered; they are unregistered the other way round:
///
/// - `notifiers`: [`Notifier`](crate::net::notifier::Notifier)s, structures without fields,
/// - `handlers`: [`RxHandler`](crate::net::rx_handler::RxHandler)s,
/// - `addresses`: [`AddrListener`](crate::net::inet::AddrListener)s,
/// - `inputs`: handlers that are [`IpInput`](crate::net::ip_input::IpInput)s,
/// - `kinds`: [`RtnlLinkOps`](crate::net::link::RtnlLinkOps)s. Those that another driver has are left out,
///   which is logged, unless these are all,
/// - `nodes`: one [`CharFile`](crate::chrdev::CharFile),
/// - `version`, a text: what `modinfo` says.
///
/// What follows, from `name` on, is what [`module!`](kernel::prelude::module) wants.
///
/// ```ignore
/// module_links! {
///     type: MyModule,
///     handlers: [port::Port],
///     kinds: [kind::MyKind],
///     name: "my_module",
///     authors: ["Me"],
///     description: "My links",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_links {
    (
        type: $type:ident,
        $(notifiers: [$($notifier:path),+ $(,)?],)?
        $(handlers: [$($handler:path),+ $(,)?],)?
        $(addresses: [$($listener:path),+ $(,)?],)?
        $(inputs: [$($input:path),+ $(,)?],)?
        $(kinds: [$($kind:path),+ $(,)?],)?
        $(nodes: $file:path,)?
        $(version: $version:literal,)?
        name: $($module:tt)*
    ) => {
        ::kernel::prelude::module! {
            type: $type,
            name: $($module)*
        }

        $(
            // What `module!` has no word for (`MODULE_VERSION()`).
            const _: () = {
                const TEXT: &str = concat!("version=", $version, "\0");
                #[link_section = ".modinfo"]
                #[used]
                static VERSION: [u8; TEXT.len()] = match TEXT.as_bytes().first_chunk() {
                    Some(text) => *text,
                    None => unreachable!(),
                };
            };
        )?

        /// What the module owns.
        #[::kernel::prelude::pin_data]
        struct $type {
            // Dropped in this order.
            $(
                #[pin]
                nodes: $crate::chrdev::Registration<$file>,
            )?
            registrations: $crate::registration::Registrations,
        }

        const _: () = {
            use $crate::registration::{List, Registrable, Registrations};

            // Each implementation is beside the static that it gives.
            #[allow(non_local_definitions)]
            static LIST: List = List::new(&[
                $($({
                    static BLOCK: $crate::net::notifier::Block<$notifier> =
                        $crate::net::notifier::Block::new($notifier);
                    &BLOCK as &'static dyn Registrable
                },)+)?
                $($({
                    static SLOT: $crate::net::rx_handler::Slot<$handler> =
                        $crate::net::rx_handler::Slot::new();
                    // SAFETY: The slot is in the module's list, and only one type can have it.
                    unsafe impl $crate::net::rx_handler::Declared for $handler {
                        fn slot() -> &'static $crate::net::rx_handler::Slot<Self> {
                            &SLOT
                        }
                    }
                    &SLOT as &'static dyn Registrable
                },)+)?
                $($({
                    static LISTENER: $crate::net::inet::Listener<$listener> =
                        $crate::net::inet::Listener::new();
                    &LISTENER as &'static dyn Registrable
                },)+)?
                $($({
                    static HOOKS: $crate::net::ip_input::Hooks<$input> =
                        $crate::net::ip_input::Hooks::new();
                    // SAFETY: The hooks are in the module's list, and only one type can have them.
                    unsafe impl $crate::net::ip_input::Declared for $input {
                        fn hooks() -> &'static $crate::net::ip_input::Hooks<Self> {
                            &HOOKS
                        }
                    }
                    &HOOKS as &'static dyn Registrable
                },)+)?
                $({
                    static KINDS: $crate::net::link::Kinds = $crate::net::link::Kinds::new(&[$({
                        static KIND: $crate::net::link::Kind = $crate::net::link::Kind::new::<$kind>();
                        &KIND
                    }),+]);
                    &KINDS as &'static dyn Registrable
                },)?
            ]);

            impl ::kernel::InPlaceModule for $type {
                fn init(
                    _module: &'static ::kernel::ThisModule,
                ) -> impl ::kernel::prelude::PinInit<Self, ::kernel::error::Error> {
                    ::kernel::prelude::try_pin_init!(Self {
                        // SAFETY: The list is this module's only one; what keeps it registered is part
                        // of what the module owns, of which there is one, as the list is for once.
                        registrations: unsafe { Registrations::new(&LIST) }?,
                        $(
                            // SAFETY: Part of what the module owns, of which there is one.
                            nodes <- unsafe { $crate::chrdev::Registration::<$file>::new() }?,
                        )?
                    })
                }
            }
        };
    };
}
