// SPDX-License-Identifier: GPL-2.0

//! The module as a whole: what it is called, and what it registers.

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
