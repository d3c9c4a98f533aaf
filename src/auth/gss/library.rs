//! The system's Kerberos library, by the interface of RFC 2744. It is loaded on first use, so that the program also
//! runs without it.
#![expect(unsafe_code, reason = "functions of C are called")]

use std::error::Error as _;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use libloading::os::unix::{Library as Loaded, RTLD_LOCAL, RTLD_NOW};

use super::failure::{Cause, FAILED, GssFailure};

/// Library names: MIT, Heimdal, macOS, and the development names of the first two.
const NAMES: &[&str] = &[
    "libgssapi_krb5.so.2",
    "libgssapi.so.3",
    "/System/Library/Frameworks/GSS.framework/GSS",
    "libgssapi_krb5.so",
    "libgssapi.so",
];

/// SPNEGO (RFC 4178): 1.3.6.1.5.5.2.
const SPNEGO: &[u8] = b"\x2b\x06\x01\x05\x05\x02";
/// Kerberos (RFC 4121): 1.2.840.113554.1.2.2.
const KERBEROS: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02";
/// Names of the form `service/host@REALM` (RFC 1964, section 2.1.1): 1.2.840.113554.1.2.2.1.
const PRINCIPAL: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x01";
/// Names of the form `service@host` (RFC 2744, section 4.1): 1.2.840.113554.1.2.1.4.
const HOST_BASED: &[u8] = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04";

const CONTINUE_NEEDED: u32 = 1;
/// Mutual authentication: the server proves its identity too.
const MUTUAL: u32 = 2;
/// Kinds of status for `gss_display_status`: the general part, and the mechanism's.
const GENERAL: i32 = 1;
const OF_MECHANISM: i32 = 2;

type Handle = *mut c_void;

/// An object identifier. Packed on macOS for x86_64.
#[cfg_attr(all(target_os = "macos", target_arch = "x86_64"), repr(C, packed(2)))]
#[cfg_attr(not(all(target_os = "macos", target_arch = "x86_64")), repr(C))]
struct Oid {
    length: u32,
    elements: *const u8,
}

impl Oid {
    fn from_bytes(bytes: &'static [u8]) -> Self {
        Self { length: bytes.len() as u32, elements: bytes.as_ptr() }
    }
}

#[repr(C)]
struct Buffer {
    length: usize,
    value: *mut c_void,
}

impl Buffer {
    fn empty() -> Self {
        Self { length: 0, value: null_mut() }
    }

    /// Returns a read-only view of `bytes`, valid only while they live.
    fn from_bytes(bytes: &[u8]) -> Self {
        Self { length: bytes.len(), value: bytes.as_ptr().cast_mut().cast() }
    }
}

/// Declares the functions with their parameters. The first parameter of each receives the mechanism's status (minor);
/// the return value is the general status (major).
macro_rules! functions {
    ($($name:ident($($parameter:ty),*))*) => {
        struct Functions { $($name: unsafe extern "C" fn(*mut u32, $($parameter),*) -> u32),* }

        impl Functions {
            /// # Safety
            /// The library's functions of these names must be those of RFC 2744.
            unsafe fn load(library: &Loaded) -> Result<Self, libloading::Error> {
                // SAFETY: the caller guarantees the types; the functions outlive the library's handle, because it is
                // never closed.
                unsafe { Ok(Self { $($name: *library.get(concat!(stringify!($name), "\0").as_bytes())?),* }) }
            }
        }
    };
}

functions! {
    gss_import_name(*const Buffer, *const Oid, *mut Handle)
    gss_display_name(Handle, *mut Buffer, *mut *const Oid)
    gss_release_name(*mut Handle)
    gss_release_buffer(*mut Buffer)
    gss_display_status(u32, i32, *const Oid, *mut u32, *mut Buffer)
    gss_inquire_cred(Handle, *mut Handle, *mut u32, *mut i32, *mut Handle)
    gss_inquire_context(
        Handle, *mut Handle, *mut Handle, *mut u32, *mut *const Oid, *mut u32, *mut i32, *mut i32
    )
    gss_init_sec_context(
        Handle, *mut Handle, Handle, *const Oid, u32, u32, *const c_void, *const Buffer, *mut *const Oid,
        *mut Buffer, *mut u32, *mut u32
    )
    gss_delete_sec_context(*mut Handle, *mut Buffer)
}

/// The library, loaded for as long as the program runs.
pub(super) struct Library(Functions);

impl Library {
    /// Loads the library on first use.
    ///
    /// # Errors
    /// The system's message about the first name, if none can be loaded.
    pub(super) fn get() -> Result<&'static Self, String> {
        static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
        LIBRARY.get_or_init(Self::load).as_ref().map_err(Clone::clone)
    }

    fn load() -> Result<Self, String> {
        let mut errors = Vec::new();
        for name in NAMES {
            // SAFETY: these are the names of libraries of RFC 2744, whose initialization code may run at any time.
            let functions = unsafe {
                Loaded::open(Some(*name), RTLD_NOW | RTLD_LOCAL)
                    .and_then(|library| Functions::load(&library).inspect(|_| std::mem::forget(library)))
            };
            match functions {
                Ok(functions) => return Ok(Self(functions)),
                Err(error) => errors.push(error.source().map_or_else(|| error.to_string(), ToString::to_string)),
            }
        }
        Err(errors.into_iter().next().unwrap_or_default())
    }

    /// Returns the principal of the current tickets.
    pub(super) fn principal(&self) -> Result<String, GssFailure> {
        let mut minor = 0;
        let mut name = null_mut();
        // SAFETY: a null credential means the default one; unused outputs may be null; the name is released by
        // `text_of`.
        unsafe {
            let major =
                (self.0.gss_inquire_cred)(&mut minor, null_mut(), &mut name, null_mut(), null_mut(), null_mut());
            self.check(major, minor, null())?;
            Ok(self.text_of(name))
        }
    }

    /// Returns the text of a name and releases the name.
    ///
    /// # Safety
    /// The name must be one of this library's, or null, and not be used again.
    unsafe fn text_of(&self, mut name: Handle) -> String {
        let mut minor = 0;
        let mut buffer = Buffer::empty();
        // SAFETY: the caller guarantees that the name is valid until it is released here, once; the library fills the
        // buffer.
        unsafe {
            (self.0.gss_display_name)(&mut minor, name, &mut buffer, null_mut());
            (self.0.gss_release_name)(&mut minor, &mut name);
            String::from_utf8_lossy(&self.take(buffer)).into_owned()
        }
    }

    /// Copies the content of a buffer and releases it.
    ///
    /// # Safety
    /// The library must have filled the buffer, or left it empty.
    unsafe fn take(&self, mut buffer: Buffer) -> Vec<u8> {
        if buffer.value.is_null() {
            return Vec::new();
        }
        // SAFETY: the caller guarantees that `length` bytes are there; they are copied before they are released.
        unsafe {
            let bytes = std::slice::from_raw_parts(buffer.value.cast::<u8>(), buffer.length).to_vec();
            (self.0.gss_release_buffer)(&mut 0, &mut buffer);
            bytes
        }
    }

    /// # Safety
    /// `mechanism` must be null or valid.
    unsafe fn check(&self, major: u32, minor: u32, mechanism: *const Oid) -> Result<(), GssFailure> {
        if major & FAILED == 0 {
            return Ok(());
        }
        // SAFETY: guaranteed by the caller.
        let (general, special) =
            unsafe { (self.status(major, GENERAL, null()), self.status(minor, OF_MECHANISM, mechanism)) };
        // Returned if the mechanism has no message of its own.
        let silent = minor == 0 || ["", "Success", "Unknown error"].contains(&special.as_str());
        let text = if silent { general } else { special };
        Err(GssFailure { cause: Cause::from_status(major, &text), text })
    }

    /// Returns the message for one part of a status.
    ///
    /// # Safety
    /// `mechanism` must be null or valid.
    unsafe fn status(&self, code: u32, part: i32, mechanism: *const Oid) -> String {
        let mut minor = 0;
        let mut more = 0;
        let mut buffer = Buffer::empty();
        // SAFETY: guaranteed by the caller; the library fills the buffer. The first message is enough.
        let text = unsafe {
            (self.0.gss_display_status)(&mut minor, code, part, mechanism, &mut more, &mut buffer);
            self.take(buffer)
        };
        String::from_utf8_lossy(&text).trim_matches(['\0', ' ', '.', '\n']).to_owned()
    }
}

/// The result of a step.
pub(super) struct Step {
    /// The token for the server; may be empty after the last step.
    pub(super) token: Vec<u8>,
    /// Whether both sides have proved their identity.
    pub(super) complete: bool,
}

/// How a login at a server works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exchange {
    /// By SPNEGO over HTTP, with a server named `HTTP@host`, which proves its identity, too.
    Negotiate,
    /// By a Kerberos ticket alone, for a principal `service/host@REALM`.
    Ticket,
}

impl Exchange {
    fn kind_of_name(self) -> Oid {
        Oid::from_bytes(if self == Self::Negotiate { HOST_BASED } else { PRINCIPAL })
    }

    fn mechanism(self) -> Oid {
        Oid::from_bytes(if self == Self::Negotiate { SPNEGO } else { KERBEROS })
    }

    fn flags(self) -> u32 {
        if self == Self::Negotiate { MUTUAL } else { 0 }
    }
}

/// A security context: one login at one server.
pub(super) struct Context {
    library: &'static Library,
    exchange: Exchange,
    server: Handle,
    context: Handle,
}

// SAFETY: the library's objects are not bound to a thread; a `Context` is the only user of its own.
unsafe impl Send for Context {}

impl Context {
    /// Creates a context for a server of this name.
    pub(super) fn new(library: &'static Library, exchange: Exchange, server: &str) -> Result<Self, GssFailure> {
        let mut context = Self { library, exchange, server: null_mut(), context: null_mut() };
        let mut minor = 0;
        let text = Buffer::from_bytes(server.as_bytes());
        let kind = exchange.kind_of_name();
        // SAFETY: text and kind live until the call returns, which copies them; the name is released in `drop`.
        unsafe {
            let major = (library.0.gss_import_name)(&mut minor, &text, &kind, &mut context.server);
            library.check(major, minor, null())?;
        }
        Ok(context)
    }

    /// Processes the server's token (empty at first) and returns the next one to send. May contact a KDC over the
    /// network.
    pub(super) fn step(&mut self, token: &[u8]) -> Result<Step, GssFailure> {
        let (input, mechanism, mut output, mut minor) =
            (Buffer::from_bytes(token), self.exchange.mechanism(), Buffer::empty(), 0);
        let functions = &self.library.0;
        // SAFETY: all pointers are valid until the call returns; a null credential means the default one, zero the
        // default lifetime; unused outputs may be null. The context is deleted in `drop`.
        unsafe {
            let major = (functions.gss_init_sec_context)(
                &mut minor,
                null_mut(),
                &mut self.context,
                self.server,
                &mechanism,
                self.exchange.flags(),
                0,
                null(),
                if token.is_empty() { null() } else { &input },
                null_mut(),
                &mut output,
                null_mut(),
                null_mut(),
            );
            let token = self.library.take(output);
            self.library.check(major, minor, &mechanism)?;
            Ok(Step { token, complete: major & CONTINUE_NEEDED == 0 })
        }
    }

    /// Returns the principal that the server knows this client by, once the context is complete.
    pub(super) fn principal(&self) -> Option<String> {
        let mut minor = 0;
        let mut name = null_mut();
        // SAFETY: the context is one of the library's; unused outputs may be null; the name is released by `text_of`.
        unsafe {
            let major = (self.library.0.gss_inquire_context)(
                &mut minor,
                self.context,
                &mut name,
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
                null_mut(),
            );
            self.library.check(major, minor, null()).ok()?;
            Some(self.library.text_of(name))
        }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: both are this context's own, or null, which these functions ignore.
        unsafe {
            (self.library.0.gss_delete_sec_context)(&mut 0, &mut self.context, null_mut());
            (self.library.0.gss_release_name)(&mut 0, &mut self.server);
        }
    }
}
