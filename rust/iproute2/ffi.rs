// SPDX-License-Identifier: GPL-2.0

//! The border to `ip`: what it calls here and what is called there, with safe types
//! around its memory. All `unsafe` of the plugin is in this file and in those below it.
//!
//! `ip` is single-threaded and calls one function here at a time. Every pointer that
//! it passes is good until that call returns, hence the lifetimes. Nothing unwinds:
//! the plugin is built with `panic=abort`.

mod print;

use crate::attribute::Value;
use crate::uapi;
use core::ffi::{c_char, c_int, c_uint, c_void, CStr};
use core::marker::PhantomData;
use core::mem::{offset_of, size_of};
use core::ptr::{self, null_mut, NonNull};
use core::slice;

pub use print::*;

/// iproute2's `struct link_util`.
#[repr(C)]
pub struct LinkUtil {
    next: *mut LinkUtil,
    id: *const c_char,
    maxattr: c_int,
    parse_opt: Option<
        unsafe extern "C" fn(*mut LinkUtil, c_int, *mut *mut c_char, *mut MessageHeader) -> c_int,
    >,
    print_opt: Option<unsafe extern "C" fn(*mut LinkUtil, *mut File, *mut *mut Attribute)>,
    print_xstats: Option<unsafe extern "C" fn(*mut LinkUtil, *mut File, *mut Attribute)>,
    print_help: Option<unsafe extern "C" fn(*mut LinkUtil, c_int, *mut *mut c_char, *mut File)>,
    parse_ifla_xstats:
        Option<unsafe extern "C" fn(*mut LinkUtil, c_int, *mut *mut c_char) -> c_int>,
    print_ifla_xstats: Option<unsafe extern "C" fn(*mut MessageHeader, *mut c_void) -> c_int>,
}

/// `FILE` of the C library.
#[repr(C)]
struct File {
    _opaque: [u8; 0],
}

/// `struct nlmsghdr`.
#[repr(C)]
struct MessageHeader {
    len: u32,
    kind: u16,
    flags: u16,
    seq: u32,
    pid: u32,
}

/// `struct ifinfomsg`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct LinkHeader {
    family: u8,
    pad: u8,
    kind: u16,
    index: c_int,
    flags: c_uint,
    change: c_uint,
}

/// `struct rtattr`.
#[repr(C)]
struct Attribute {
    len: u16,
    kind: u16,
}

/// iproute2's `struct iplink_req`: what the header that `parse_opt` gets stands in.
#[repr(C)]
struct LinkRequest {
    message: MessageHeader,
    link: LinkHeader,
    attributes: [u8; 1024],
}

/// How long `ip`'s own kinds let the message become. It leaves some of
/// [`LinkRequest`] unused.
const MAX_MESSAGE: c_int = 1024;

/// Says of an attribute's number that the value is attributes, as in
/// `<linux/netlink.h>`.
pub const NLA_F_NESTED: u16 = 1 << 15;

// Exported by `ip` itself. Those that don't return report an error and exit.
extern "C" {
    fn addattr_l(
        message: *mut MessageHeader,
        max: c_int,
        kind: c_int,
        data: *const c_void,
        len: c_int,
    ) -> c_int;
    fn iplink_parse(
        argc: c_int,
        argv: *const *mut c_char,
        request: *mut LinkRequest,
        kind: *mut *mut c_char,
    ) -> c_int;
    fn get_u32(value: *mut u32, word: *const c_char, base: c_int) -> c_int;
    fn get_s32(value: *mut i32, word: *const c_char, base: c_int) -> c_int;
    fn incomplete_command() -> !;
    fn invarg(message: *const c_char, word: *const c_char) -> !;
    fn duparg(key: *const c_char, word: *const c_char) -> !;
}

#[link(name = "c")]
extern "C" {
    static stderr: *mut File;

    fn fputs(text: *const c_char, to: *mut File) -> c_int;
    fn inet_pton(family: c_int, text: *const c_char, addr: *mut c_void) -> c_int;
    fn inet_ntop(
        family: c_int,
        addr: *const c_void,
        text: *mut c_char,
        size: c_uint,
    ) -> *const c_char;
    fn abort() -> !;
}

/// The command can't be carried out, and the user has been told why.
pub struct Refused;

/// The words of the command line that are still to be parsed.
#[derive(Clone, Default)]
pub struct Words<'a>(slice::Iter<'a, *mut c_char>);

impl<'a> Words<'a> {
    /// # Safety
    ///
    /// `argv` must point to `argc` pointers to C strings, all valid for `'a`.
    unsafe fn new(argc: c_int, argv: *const *mut c_char) -> Self {
        match usize::try_from(argc) {
            // SAFETY: By this function's contract.
            Ok(len) if !argv.is_null() => Self(unsafe { slice::from_raw_parts(argv, len) }.iter()),
            _ => Self([].iter()),
        }
    }

    /// The next word.
    pub fn next(&mut self) -> Option<&'a CStr> {
        // SAFETY: By the contract of `new`.
        self.0.next().map(|&word| unsafe { CStr::from_ptr(word) })
    }

    /// The word that `next` would give.
    pub fn peek(&self) -> Option<&'a CStr> {
        self.clone().next()
    }

    /// The word that an option needs behind it; ends `ip` with an error without one.
    pub fn value(&mut self) -> &'a CStr {
        match self.next() {
            Some(word) => word,
            // SAFETY: Takes nothing and exits.
            None => unsafe { incomplete_command() },
        }
    }

    /// The next words, as long as they are what is wanted.
    pub fn take_while(&mut self, wanted: impl Fn(&CStr) -> bool) -> Self {
        let all = self.0.as_slice();
        let mut len = 0;
        while self.peek().is_some_and(&wanted) {
            self.next();
            len += 1;
        }
        Self(all.get(..len).unwrap_or_default().iter())
    }

    /// All words that are left.
    pub fn take_all(&mut self) -> Self {
        core::mem::take(self)
    }
}

/// The request that `ip` is writing: its end is inside `IFLA_INFO_DATA`.
pub struct Request<'a> {
    raw: NonNull<LinkRequest>,
    _message: PhantomData<&'a mut LinkRequest>,
}

impl Request<'_> {
    /// Appends an attribute with a number as its value.
    pub fn put_u16(&mut self, attribute: u16, value: u16) -> Result<(), Refused> {
        self.put(attribute, &value.to_ne_bytes())
    }

    /// Appends an attribute with a number as its value.
    pub fn put_u32(&mut self, attribute: u16, value: u32) -> Result<(), Refused> {
        self.put(attribute, &value.to_ne_bytes())
    }

    /// Appends an attribute with a number as its value.
    pub fn put_i32(&mut self, attribute: u16, value: i32) -> Result<(), Refused> {
        self.put(attribute, &value.to_ne_bytes())
    }

    /// Appends an attribute whose value is the attributes that `fill` appends.
    pub fn put_nest(
        &mut self,
        attribute: u16,
        fill: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let start = self.end();
        self.put(attribute, &[])?;
        fill(self)?;
        // SAFETY: `put` has written an attribute there; only `fill` came after it.
        unsafe { self.extend_to_end(start) };
        Ok(())
    }

    /// Appends an attribute that describes another device: a `struct ifinfomsg` and
    /// the `IFLA_*` attributes that `ip` makes of `words`, the same as it takes for
    /// any device.
    pub fn put_link(&mut self, attribute: u16, words: Words<'_>) -> Result<(), Refused> {
        let start = self.end();
        self.put(attribute, &[0; size_of::<LinkHeader>()])?;

        // What belongs in the header of a device goes to the one that opens the
        // request, wherever the attributes go. That one is the outer device's: lend
        // it out, and give it back as it was.
        let outer = self.link_header(LinkHeader::default());
        let mut kind = null_mut();
        // SAFETY: The words are `argc` pointers to C strings (`Words::new`), and the
        // request is a whole `struct iplink_req` (`Request::raw`).
        let parsed = unsafe {
            iplink_parse(
                words.0.len() as c_int,
                words.0.as_slice().as_ptr(),
                self.raw.as_ptr(),
                &mut kind,
            )
        };
        let inner = self.link_header(outer);

        if !kind.is_null() {
            // SAFETY: `iplink_parse` made it point to one of the words.
            duplicate(c"type", unsafe { CStr::from_ptr(kind) });
        }
        if parsed < 0 {
            return Err(Refused);
        }

        // SAFETY: `put` above has written an attribute with a header of a device as
        // its value at `start`; what followed was appended. Both are aligned to 4.
        unsafe {
            let attribute = self.extend_to_end(start);
            *attribute.add(1).cast::<LinkHeader>() = LinkHeader {
                index: inner.index,
                flags: inner.flags,
                change: inner.change,
                ..LinkHeader::default()
            };
        }
        Ok(())
    }

    /// Makes all that was appended behind an attribute part of its value.
    ///
    /// # Safety
    ///
    /// An attribute must be at `start`, and only attributes behind it.
    unsafe fn extend_to_end(&mut self, start: usize) -> *mut Attribute {
        let len = self.end() - start;
        // SAFETY: By this function's contract, which also makes it be in front of the
        // end. The message is far shorter than what `u16` holds.
        unsafe {
            let attribute = self.raw.as_ptr().byte_add(start).cast::<Attribute>();
            (*attribute).len = len as u16;
            attribute
        }
    }

    /// Appends an attribute; `ip` says so if the request gets too long.
    pub fn put(&mut self, attribute: u16, value: &[u8]) -> Result<(), Refused> {
        const { assert!(MAX_MESSAGE < u16::MAX as c_int) };
        let len = u16::try_from(value.len()).unwrap_or(u16::MAX);
        // SAFETY: The request is a whole `struct iplink_req`, longer than the maximum,
        // and the value is readable for its length; one that was cut is too long.
        let status = unsafe {
            addattr_l(
                self.raw.as_ptr().cast(),
                MAX_MESSAGE,
                attribute.into(),
                value.as_ptr().cast(),
                len.into(),
            )
        };
        if status < 0 {
            return Err(Refused);
        }
        Ok(())
    }

    /// Where the next attribute goes, from the start of the request.
    fn end(&self) -> usize {
        // SAFETY: The request is valid, and nothing else uses it now.
        let len = unsafe { (*self.raw.as_ptr()).message.len } as usize;
        len.next_multiple_of(4)
    }

    /// Replaces the header of the outer device.
    fn link_header(&mut self, with: LinkHeader) -> LinkHeader {
        // SAFETY: The request is valid, and nothing else uses it now.
        unsafe { ptr::replace(&raw mut (*self.raw.as_ptr()).link, with) }
    }
}

/// The attributes of one `IFLA_INFO_DATA`, by number.
pub struct Attributes<'a>(&'a AttributeTable);

/// As long as `maxattr` in [`rnetvirt_link_util`] tells `ip` to make it.
type AttributeTable = [*mut Attribute; uapi::IFLA_RNETVIRT_MAX as usize + 1];

impl<'a> Attributes<'a> {
    /// The value of an attribute, if it is there.
    pub fn get(&self, attribute: u16) -> Option<Value<'a>> {
        let found = *self.0.get(usize::from(attribute))?;
        // SAFETY: Entries that aren't null point to an attribute, which stays as it is for `'a`.
        unsafe { value_of(found) }
    }
}

/// The value of an attribute.
///
/// # Safety
///
/// `attribute` must be null, or point to an attribute, which is as long as its header says, and stays
/// as it is for `'a`.
unsafe fn value_of<'a>(attribute: *const Attribute) -> Option<Value<'a>> {
    if attribute.is_null() {
        return None;
    }
    // SAFETY: By this function's contract.
    unsafe {
        let len = usize::from((*attribute).len).checked_sub(size_of::<Attribute>())?;
        Some(Value(slice::from_raw_parts(attribute.add(1).cast(), len)))
    }
}

/// The number that a word is, as `ip` reads numbers.
pub fn parse_u32(word: &CStr) -> Option<u32> {
    let mut value = 0;
    // SAFETY: A place for the number and a C string; base 0 lets the prefix tell it.
    (unsafe { get_u32(&mut value, word.as_ptr(), 0) } == 0).then_some(value)
}

/// The number that a word is, as `ip` reads numbers; it may be negative.
pub fn parse_i32(word: &CStr) -> Option<i32> {
    let mut value = 0;
    // SAFETY: A place for the number and a C string; base 0 lets the prefix tell it.
    (unsafe { get_s32(&mut value, word.as_ptr(), 0) } == 0).then_some(value)
}

const AF_INET: c_int = 2;
const AF_INET6: c_int = 10;
/// `INET6_ADDRSTRLEN`, the longest text of an address and a zero.
const ADDR_LEN: usize = 46;

/// The IPv4 address that a word is.
pub fn parse_v4(word: &CStr) -> Option<[u8; 4]> {
    let mut addr = [0; 4];
    // SAFETY: A C string, and room for an address of the family.
    let found = unsafe { inet_pton(AF_INET, word.as_ptr(), addr.as_mut_ptr().cast()) };
    (found == 1).then_some(addr)
}

/// The IPv6 address that a word is.
pub fn parse_v6(word: &CStr) -> Option<[u8; 16]> {
    let mut addr = [0; 16];
    // SAFETY: A C string, and room for an address of the family.
    let found = unsafe { inet_pton(AF_INET6, word.as_ptr(), addr.as_mut_ptr().cast()) };
    (found == 1).then_some(addr)
}

/// Lends `f` an IPv4 address as text.
pub fn format_v4(addr: &[u8; 4], f: impl FnOnce(&CStr)) {
    let mut text = [0; ADDR_LEN];
    // SAFETY: An address of the family, and room for the text of any.
    unsafe {
        inet_ntop(
            AF_INET,
            addr.as_ptr().cast(),
            text.as_mut_ptr().cast(),
            ADDR_LEN as c_uint,
        )
    };
    f(CStr::from_bytes_until_nul(&text).unwrap_or_default());
}

/// Lends `f` an IPv6 address as text.
pub fn format_v6(addr: &[u8; 16], f: impl FnOnce(&CStr)) {
    let mut text = [0; ADDR_LEN];
    // SAFETY: An address of the family, and room for the text of any.
    unsafe {
        inet_ntop(
            AF_INET6,
            addr.as_ptr().cast(),
            text.as_mut_ptr().cast(),
            ADDR_LEN as c_uint,
        )
    };
    f(CStr::from_bytes_until_nul(&text).unwrap_or_default());
}

/// A stream of the C library.
#[derive(Clone, Copy)]
pub struct Stream<'a> {
    raw: *mut File,
    _file: PhantomData<&'a File>,
}

impl Stream<'_> {
    /// The one for errors.
    pub fn stderr() -> Stream<'static> {
        Stream {
            // SAFETY: Set before `main`; neither `ip` nor the plugin changes it.
            raw: unsafe { stderr },
            _file: PhantomData,
        }
    }

    /// Writes text; a stream that can't be written is nothing to fail for here.
    pub fn write(&self, parts: &[&CStr]) {
        for text in parts {
            // SAFETY: A C string, and a stream that is open.
            unsafe { fputs(text.as_ptr(), self.raw) };
        }
    }
}

/// Ends `ip`: the word is wrong.
pub fn invalid(message: &CStr, word: &CStr) -> ! {
    // SAFETY: C strings; exits.
    unsafe { invarg(message.as_ptr(), word.as_ptr()) }
}

/// Ends `ip`: the option was given before.
pub fn duplicate(option: &CStr, word: &CStr) -> ! {
    // SAFETY: C strings; exits.
    unsafe { duparg(option.as_ptr(), word.as_ptr()) }
}

/// What `ip` looks up when it meets the kind. It links the objects that it has found
/// into a list through the first field, which is why this is mutable.
#[no_mangle]
#[allow(non_upper_case_globals)]
pub static mut rnetvirt_link_util: LinkUtil = LinkUtil {
    next: null_mut(),
    id: uapi::KIND.as_ptr(),
    maxattr: uapi::IFLA_RNETVIRT_MAX as c_int,
    parse_opt: Some(parse_opt),
    print_opt: Some(print_opt),
    print_xstats: Some(print_xstats),
    print_help: Some(print_help),
    parse_ifla_xstats: None,
    print_ifla_xstats: None,
};

/// # Safety
///
/// As `ip` calls `parse_opt`: `argc` words, and a header that opens a
/// `struct iplink_req`.
unsafe extern "C" fn parse_opt(
    _: *mut LinkUtil,
    argc: c_int,
    argv: *mut *mut c_char,
    message: *mut MessageHeader,
) -> c_int {
    let Some(raw) = NonNull::new(message.cast::<LinkRequest>()) else {
        return -1;
    };
    // SAFETY: By this function's contract.
    let words = unsafe { Words::new(argc, argv) };
    let mut request = Request {
        raw,
        _message: PhantomData,
    };
    match crate::flavor::parse(words, &mut request) {
        Ok(()) => 0,
        Err(Refused) => -1,
    }
}

/// # Safety
///
/// As `ip` calls `print_opt`: no table (without `IFLA_INFO_DATA`), or one of
/// `maxattr + 1` entries, each null or an attribute.
unsafe extern "C" fn print_opt(_: *mut LinkUtil, _: *mut File, table: *mut *mut Attribute) {
    // SAFETY: By this function's contract, and the type has as many entries.
    if let Some(table) = unsafe { table.cast::<AttributeTable>().as_ref() } {
        crate::print(Attributes(table));
    }
}

/// # Safety
///
/// As `ip` calls `print_xstats`: with an attribute.
unsafe extern "C" fn print_xstats(_: *mut LinkUtil, _: *mut File, attribute: *mut Attribute) {
    // SAFETY: By this function's contract.
    if let Some(value) = unsafe { value_of(attribute) } {
        crate::print_xstats(value);
    }
}

/// # Safety
///
/// As `ip` calls `print_help`: with a stream that is open.
unsafe extern "C" fn print_help(
    _: *mut LinkUtil,
    _: c_int,
    _: *mut *mut c_char,
    stream: *mut File,
) {
    crate::help(Stream {
        raw: stream,
        _file: PhantomData,
    });
}

// `Attributes` and `Request` rely on these.
const _: () = assert!(size_of::<Attribute>() == 4 && size_of::<LinkHeader>() == 16);
const _: () = assert!(offset_of!(LinkRequest, attributes) == 32);
const _: () = assert!(MAX_MESSAGE as usize <= size_of::<LinkRequest>());

/// Nothing here panics; the language wants to know what would happen.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: Takes nothing and ends the process.
    unsafe { abort() }
}
