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
/// - `kinds`: [`RtnlLinkOps`](crate::net::link::RtnlLinkOps)s,
/// - `nodes`: [`CharFile`](crate::chrdev::CharFile)s, each with its [`NodeClass`](crate::chrdev::NodeClass),
/// - `choices`: what `modinfo` says of the module's parameter `kinds`; and kinds, and nodes that go with one,
///   that are registered as long as the parameter names them, see `registration::choice::Choices`,
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
        $(nodes: [$($file:path => $class:expr),+ $(,)?],)?
        $(choices: $text:literal [$($choice:path $({ $choice_file:path => $choice_class:expr })?),+ $(,)?],)?
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
        struct $type {
            _registrations: $crate::registration::Registrations,
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
                    static TYPE: $crate::net::rx_handler::HandlerType<$handler> =
                        $crate::net::rx_handler::HandlerType::new();
                    // SAFETY: It is in the module's list, and only one type can have it.
                    unsafe impl $crate::net::rx_handler::DeclaredHandler for $handler {
                        fn handler_type() -> &'static $crate::net::rx_handler::HandlerType<Self> {
                            &TYPE
                        }
                    }
                    &TYPE as &'static dyn Registrable
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
                    unsafe impl $crate::net::ip_input::DeclaredInput for $input {
                        fn hooks() -> &'static $crate::net::ip_input::Hooks<Self> {
                            &HOOKS
                        }
                    }
                    &HOOKS as &'static dyn Registrable
                },)+)?
                $($({
                    static KIND: $crate::net::link::Kind = $crate::net::link::Kind::new::<$kind>();
                    &KIND as &'static dyn Registrable
                },)+)?
                $($({
                    static DRIVER: $crate::chrdev::Driver<$file> =
                        $crate::chrdev::Driver::new($class);
                    &DRIVER as &'static dyn Registrable
                },)+)?
                $({
                    $crate::choices_parameter!($type, $text, [$($choice $({ $choice_file => $choice_class })?),+]);
                    &CHOICES as &'static dyn Registrable
                },)?
            ]);

            impl ::kernel::Module for $type {
                fn init(
                    _module: &'static ::kernel::ThisModule,
                ) -> ::core::result::Result<Self, ::kernel::error::Error> {
                    Ok(Self {
                        // SAFETY: The list is this module's only one; what keeps it registered is part
                        // of what the module owns, of which there is one, as the list is for once.
                        _registrations: unsafe { Registrations::new(&LIST) }?,
                    })
                }
            }
        };
    };
}

/// For [`module_links!`](crate::module_links): the static `CHOICES` of a module, and its parameter `kinds`.
#[doc(hidden)]
#[macro_export]
macro_rules! choices_parameter {
    ($type:ident, $text:literal, [$($kind:path $({ $file:path => $class:expr })?),+]) => {
        static CHOICES: $crate::registration::Choices = $crate::registration::Choices::new(
            &[$({
                static KIND: $crate::net::link::Kind = $crate::net::link::Kind::new::<$kind>();
                $(
                    static DRIVER: $crate::chrdev::Driver<$file> =
                        $crate::chrdev::Driver::new($class);
                )?
                // SAFETY: Its parts are here only, and so is it.
                static CHOICE: $crate::registration::Choice = unsafe {
                    $crate::registration::Choice::new(
                        <$kind as $crate::net::link::RtnlLinkOps>::KIND,
                        &[&KIND $(, { let _ = stringify!($file); &DRIVER })?],
                    )
                };
                &CHOICE
            }),+],
            ::kernel::module::this_module::<$type>(),
        );

        /// `/sys/module/…/parameters/kinds`; its directory, and so this, is the module's.
        #[link_section = "__param"]
        #[used(compiler)]
        static PARAMETER: ::kernel::module_param::KernelParam =
            ::kernel::module_param::KernelParam::new(::kernel::bindings::kernel_param {
                name: ::kernel::str::as_char_ptr_in_const_context(c"kinds"),
                mod_: ::kernel::module::this_module::<$type>().as_ptr(),
                ops: &raw const $crate::registration::PARAMETER_OPS,
                perm: 0o644,
                level: -1,
                flags: 0,
                __bindgen_anon_1: ::kernel::bindings::kernel_param__bindgen_ty_1 {
                    arg: (&raw const CHOICES).cast_mut().cast(),
                },
            });

        /// For `modinfo`.
        #[link_section = ".modinfo"]
        #[used(compiler)]
        static PARAMETER_TYPE: [u8; 21] = *b"parmtype=kinds:charp\0";

        const TEXT: &str = concat!("parm=kinds:", $text, "\0");

        /// For `modinfo`.
        #[link_section = ".modinfo"]
        #[used(compiler)]
        static PARAMETER_TEXT: [u8; TEXT.len()] = match TEXT.as_bytes().first_chunk() {
            Some(text) => *text,
            None => [0; TEXT.len()],
        };
    };
}
