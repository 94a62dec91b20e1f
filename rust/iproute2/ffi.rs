// SPDX-License-Identifier: GPL-2.0

//! The border to `ip`: what it calls here and what is called there, with safe types
//! around its memory. All `unsafe` of the plugin is in this file.
//!
//! `ip` is single-threaded and calls one function here at a time. Every pointer that
//! it passes is good until that call returns, hence the lifetimes. Nothing unwinds:
//! the plugin is built with `panic=abort`.

use crate::uapi;
use core::ffi::{c_char, c_int, c_uint, c_void, CStr};
use core::marker::PhantomData;
use core::mem::{offset_of, size_of};
use core::ptr::{self, null_mut, NonNull};
use core::slice;

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

/// iproute2's `enum output_type`: as the user asked, text or JSON.
const PRINT_ANY: c_int = 4;
/// iproute2's `enum color_attr`.
const COLOR_NONE: c_int = 6;

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
    fn print_color_string(
        output: c_int,
        color: c_int,
        key: *const c_char,
        format: *const c_char,
        value: *const c_char,
    ) -> c_int;
    fn print_color_uint(
        output: c_int,
        color: c_int,
        key: *const c_char,
        format: *const c_char,
        value: c_uint,
    ) -> c_int;
    fn incomplete_command() -> !;
    fn invarg(message: *const c_char, word: *const c_char) -> !;
    fn duparg(key: *const c_char, word: *const c_char) -> !;
}

#[link(name = "c")]
extern "C" {
    static stderr: *mut File;

    fn fputs(text: *const c_char, to: *mut File) -> c_int;
    fn abort() -> !;
}

/// The command can't be carried out, and the user has been told why.
pub struct Refused;

/// The words of the command line that are still to be parsed.
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

    /// The word that an option needs behind it; ends `ip` with an error without one.
    pub fn value(&mut self) -> &'a CStr {
        match self.next() {
            Some(word) => word,
            // SAFETY: Takes nothing and exits.
            None => unsafe { incomplete_command() },
        }
    }

    /// All words that are left.
    pub fn take_all(&mut self) -> Self {
        Self(core::mem::replace(&mut self.0, [].iter()))
    }
}

/// The request that `ip` is writing: its end is inside `IFLA_INFO_DATA`.
pub struct Request<'a> {
    raw: NonNull<LinkRequest>,
    _message: PhantomData<&'a mut LinkRequest>,
}

impl Request<'_> {
    /// Appends an attribute with a number as its value.
    pub fn put_u32(&mut self, attribute: u16, value: u32) -> Result<(), Refused> {
        self.put(attribute, &value)
    }

    /// Appends an attribute that describes another device: a `struct ifinfomsg` and
    /// the `IFLA_*` attributes that `ip` makes of `words`, the same as it takes for
    /// any device.
    pub fn put_link(&mut self, attribute: u16, words: Words<'_>) -> Result<(), Refused> {
        let start = self.end();
        self.put(attribute, &LinkHeader::default())?;

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

        let len = self.end() - start;
        // SAFETY: `put` above has written an attribute with a header of a device as
        // its value at `start`, in front of the end; what followed was appended.
        // The message is far shorter than what `u16` holds. Both are aligned to 4.
        unsafe {
            let attribute = self.raw.as_ptr().byte_add(start).cast::<Attribute>();
            (*attribute).len = len as u16;
            *attribute.add(1).cast::<LinkHeader>() = LinkHeader {
                index: inner.index,
                flags: inner.flags,
                change: inner.change,
                ..LinkHeader::default()
            };
        }
        Ok(())
    }

    /// Appends an attribute; `ip` says so if the request gets too long.
    fn put<T: Copy>(&mut self, attribute: u16, value: &T) -> Result<(), Refused> {
        // SAFETY: The request is a whole `struct iplink_req`, longer than the maximum,
        // and the value is readable for its size.
        let status = unsafe {
            addattr_l(
                self.raw.as_ptr().cast(),
                MAX_MESSAGE,
                attribute.into(),
                ptr::from_ref(value).cast(),
                size_of::<T>() as c_int,
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

impl Attributes<'_> {
    /// The value of an attribute that is a number; none if absent or too short.
    pub fn u32(&self, attribute: u16) -> Option<u32> {
        let found = *self.0.get(usize::from(attribute))?;
        if found.is_null() {
            return None;
        }
        // SAFETY: Entries that aren't null point to an attribute, which is as long as
        // its header says.
        unsafe {
            if usize::from((*found).len) < size_of::<Attribute>() + size_of::<u32>() {
                return None;
            }
            Some(found.add(1).cast::<u32>().read_unaligned())
        }
    }
}

/// Something that `ip` prints as text or JSON, as the user asked.
pub struct Field {
    key: &'static CStr,
    // `printf` formats with exactly one conversion, `%s` and `%u`: private, so that
    // they are all in this file.
    text: &'static CStr,
    number: &'static CStr,
}

/// The flavor of a device.
pub const FLAVOR: Field = Field {
    key: c"flavor",
    text: c"flavor %s ",
    number: c"flavor %u ",
};

impl Field {
    /// Prints the field with a word as its value.
    pub fn print_str(&self, value: &CStr) {
        // SAFETY: C strings, and the format takes the value.
        unsafe {
            print_color_string(
                PRINT_ANY,
                COLOR_NONE,
                self.key.as_ptr(),
                self.text.as_ptr(),
                value.as_ptr(),
            )
        };
    }

    /// Prints the field with a number as its value.
    pub fn print_u32(&self, value: u32) {
        // SAFETY: C strings, and the format takes the value.
        unsafe {
            print_color_uint(
                PRINT_ANY,
                COLOR_NONE,
                self.key.as_ptr(),
                self.number.as_ptr(),
                value,
            )
        };
    }
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
    pub fn write(&self, text: &CStr) {
        // SAFETY: A C string, and a stream that is open.
        unsafe { fputs(text.as_ptr(), self.raw) };
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
    print_xstats: None,
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
    match crate::parse(words, &mut request) {
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
