// SPDX-License-Identifier: GPL-2.0

//! What `ip` prints of a device.
//!
//! As text or JSON, as the user asked. The formats are those of `printf` and must convert what the type
//! says: private, so that they are all in this file.

use core::ffi::{c_char, c_int, c_uint, CStr};
use core::ptr;

/// iproute2's `enum output_type`: nothing if the user asked for text.
const PRINT_JSON: c_int = 2;
/// Nothing if the user asked for JSON.
const PRINT_FP: c_int = 1;
/// As the user asked, text or JSON.
const PRINT_ANY: c_int = 4;
/// iproute2's `enum color_attr`.
const COLOR_NONE: c_int = 6;

// Exported by `ip` itself.
extern "C" {
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
    fn print_color_int(
        output: c_int,
        color: c_int,
        key: *const c_char,
        format: *const c_char,
        value: c_int,
    ) -> c_int;
    fn print_color_u64(
        output: c_int,
        color: c_int,
        key: *const c_char,
        format: *const c_char,
        value: u64,
    ) -> c_int;
    fn print_nl();
    fn print_color_bool(
        output: c_int,
        color: c_int,
        key: *const c_char,
        format: *const c_char,
        value: bool,
    ) -> c_int;
    fn open_json_object(key: *const c_char);
    fn close_json_object();
    fn open_json_array(output: c_int, key: *const c_char);
    fn close_json_array(output: c_int, delimiter: *const c_char);
}

/// A field with a word as its value: `%s`.
pub struct Text {
    key: &'static CStr,
    format: &'static CStr,
}

/// A field with a number as its value: `%u`.
pub struct Number {
    key: &'static CStr,
    format: &'static CStr,
}

/// A field with a number that may be negative: `%d`.
pub struct Signed {
    key: &'static CStr,
    format: &'static CStr,
}

/// A field that is there or not: no conversion.
pub struct Flag {
    key: &'static CStr,
    format: &'static CStr,
}

/// A field with a list of words as its value; text has no name for it.
pub struct List {
    key: &'static CStr,
}

/// A field with a list of words as its value, with commas between in text, `off` for none.
pub struct WordList {
    key: &'static CStr,
    title: &'static CStr,
}

/// See [`uapi::IFLA_RNETVIRT_GUARD_RULES`].
pub const GUARD: WordList = WordList {
    key: c"guard",
    title: c"guard ",
};
/// See [`uapi::IFLA_RNETVIRT_GUARD_LIST`].
pub const GUARD_ADDR: WordList = WordList {
    key: c"guard_addr",
    title: c"guard-addr ",
};
/// A field with numbers that have names; text has units beside.
pub struct Numbers {
    key: &'static CStr,
    title: &'static CStr,
}

/// See [`uapi::IFLA_RNETVIRT_LIMIT`].
pub const LIMIT: Numbers = Numbers {
    key: c"limit",
    title: c"limit ",
};
/// The flavor of a device.
pub const FLAVOR: Text = Text {
    key: c"flavor",
    format: c"flavor %s ",
};
/// A flavor without a name.
pub const FLAVOR_NUMBER: Number = Number {
    key: c"flavor",
    format: c"flavor %u ",
};
/// A flavor's mode.
pub const MODE: Text = Text {
    key: c"mode",
    format: c"mode %s ",
};
/// See [`uapi::MACVLAN_FLAG_NOPROMISC`].
pub const NOPROMISC: Flag = Flag {
    key: c"nopromisc",
    format: c"nopromisc ",
};
/// See [`uapi::MACVLAN_FLAG_NODST`].
pub const NODST: Flag = Flag {
    key: c"nodst",
    format: c"nodst ",
};
/// The mode of flavor ipvlan, with the space that `ip`'s own kind has in front.
pub const IPVLAN_MODE: Text = Text {
    key: c"mode",
    format: c" mode %s ",
};
/// Without a flag of [`uapi::IPVLAN_FLAG_NAMES`].
pub const BRIDGE: Flag = Flag {
    key: c"bridge",
    format: c"bridge ",
};
/// See [`uapi::IPVLAN_F_PRIVATE`].
pub const PRIVATE: Flag = Flag {
    key: c"private",
    format: c"private ",
};
/// See [`uapi::IPVLAN_F_VEPA`].
pub const VEPA: Flag = Flag {
    key: c"vepa",
    format: c"vepa ",
};
/// See [`uapi::IFLA_RNETVIRT_TRUST`].
pub const TRUST: Text = Text {
    key: c"trust",
    format: c"trust %s ",
};
/// See [`uapi::IFLA_RNETVIRT_HOST`].
pub const HOST: Text = Text {
    key: c"host",
    format: c"host %s ",
};
/// See [`uapi::IFLA_RNETVIRT_SUPPRESS`].
pub const SUPPRESS: Text = Text {
    key: c"suppress",
    format: c"suppress %s ",
};
/// See [`uapi::IFLA_RNETVIRT_COPIES`].
pub const COPIES: Number = Number {
    key: c"copies",
    format: c"copies %u ",
};
/// See [`uapi::IFLA_MACVLAN_BC_QUEUE_LEN`].
pub const BC_QUEUE_LEN: Number = Number {
    key: c"bcqueuelen",
    format: c"bcqueuelen %u ",
};
/// See [`uapi::IFLA_MACVLAN_BC_QUEUE_LEN_USED`].
pub const BC_QUEUE_LEN_USED: Number = Number {
    key: c"usedbcqueuelen",
    format: c"usedbcqueuelen %u ",
};
/// See [`uapi::IFLA_MACVLAN_BC_CUTOFF`].
pub const BC_CUTOFF: Signed = Signed {
    key: c"bclim",
    format: c"bclim %d ",
};
/// See [`uapi::IFLA_MACVLAN_MACADDR_COUNT`].
pub const MACADDR_COUNT: Number = Number {
    key: c"macaddr_count",
    format: c"remotes (%u) ",
};
/// See [`uapi::IFLA_MACVLAN_MACADDR_DATA`].
pub const MACADDR_DATA: List = List {
    key: c"macaddr_data",
};

impl Text {
    /// Prints the field.
    pub fn print(&self, value: &CStr) {
        print_text(self.key.as_ptr(), self.format, value);
    }
}

impl Number {
    /// Prints the field.
    pub fn print(&self, value: u32) {
        // SAFETY: C strings, and the format takes the value.
        unsafe {
            print_color_uint(
                PRINT_ANY,
                COLOR_NONE,
                self.key.as_ptr(),
                self.format.as_ptr(),
                value,
            )
        };
    }
}

impl Signed {
    /// Prints the field.
    pub fn print(&self, value: i32) {
        // SAFETY: C strings, and the format takes the value.
        unsafe {
            print_color_int(
                PRINT_ANY,
                COLOR_NONE,
                self.key.as_ptr(),
                self.format.as_ptr(),
                value,
            )
        };
    }
}

impl Flag {
    /// Prints the field, if it is there.
    pub fn print(&self, there: bool) {
        if there {
            // SAFETY: C strings, and the format takes nothing.
            unsafe {
                print_color_bool(
                    PRINT_ANY,
                    COLOR_NONE,
                    self.key.as_ptr(),
                    self.format.as_ptr(),
                    true,
                )
            };
        }
    }
}

impl WordList {
    /// Prints the field: what `each` prints with the function that it gets.
    pub fn print(&self, each: impl FnOnce(&mut dyn FnMut(&CStr))) {
        print_fp(c"%s", self.title);
        // SAFETY: A C string.
        unsafe { open_json_array(PRINT_JSON, self.key.as_ptr()) };
        let mut before = c"";
        each(&mut |word| {
            print_fp(c"%s", before);
            before = c",";
            print_text(ptr::null(), c"%s", word);
        });
        // SAFETY: No delimiter is needed where nothing is printed as text.
        unsafe { close_json_array(PRINT_JSON, ptr::null()) };
        print_fp(c"%s", if before.is_empty() { c"off " } else { c" " });
    }
}

impl Numbers {
    /// Begins the field.
    pub fn begin(&self) {
        print_fp(c"%s", self.title);
        // SAFETY: A C string. Nothing is done where text is wanted.
        unsafe { open_json_object(self.key.as_ptr()) };
    }

    /// Prints one of the numbers: as text the word and what is to be read, in JSON the number.
    pub fn print(&self, word: &CStr, key: &CStr, text: &CStr, value: u64) {
        print_fp(c"%s ", word);
        print_fp(c"%s ", text);
        // SAFETY: C strings, and the format takes the value.
        unsafe {
            print_color_u64(
                PRINT_JSON,
                COLOR_NONE,
                key.as_ptr(),
                c"%llu".as_ptr(),
                value,
            )
        };
    }

    /// Ends the field.
    pub fn end(&self) {
        // SAFETY: `begin` has opened it.
        unsafe { close_json_object() };
    }
}

/// Begins a line, indented as `ip` does.
pub fn print_line(title: &CStr) {
    // SAFETY: Takes nothing.
    unsafe { print_nl() };
    print_fp(c"    %s", title);
}

/// Prints a number with its name.
pub fn print_named(name: &CStr, value: u64) {
    print_fp(c" %s ", name);
    // SAFETY: C strings, and the format takes the value.
    unsafe {
        print_color_u64(
            PRINT_ANY,
            COLOR_NONE,
            name.as_ptr(),
            c"%llu".as_ptr(),
            value,
        )
    };
}

/// Prints a word where text is wanted. The format must take one.
fn print_fp(format: &'static CStr, value: &CStr) {
    // SAFETY: The callers, all in this file, pass a format that takes a string; text needs no key.
    unsafe {
        print_color_string(
            PRINT_FP,
            COLOR_NONE,
            ptr::null(),
            format.as_ptr(),
            value.as_ptr(),
        )
    };
}

impl List {
    /// Prints the field: what `each` prints with the function that it gets.
    pub fn print(&self, each: impl FnOnce(fn(&CStr))) {
        // SAFETY: A C string.
        unsafe { open_json_array(PRINT_JSON, self.key.as_ptr()) };
        // A value without a key is an element.
        each(|value| print_text(ptr::null(), c"%s ", value));
        // SAFETY: No delimiter is needed where nothing is printed as text.
        unsafe { close_json_array(PRINT_JSON, ptr::null()) };
    }
}

/// Prints a word. The format must take one.
fn print_text(key: *const c_char, format: &'static CStr, value: &CStr) {
    // SAFETY: The callers, all in this file, pass a key that is null or a C string, and
    // a format that takes a string.
    unsafe { print_color_string(PRINT_ANY, COLOR_NONE, key, format.as_ptr(), value.as_ptr()) };
}
