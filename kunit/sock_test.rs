// SPDX-License-Identifier: GPL-2.0

//! Sockets without a protocol.

use kernel::prelude::*;

#[kunit_tests(rnetvirt_sock)]
mod tests {
    use abstractions::net::sock::{
        Sock,
        SockData, //
    };
    use kernel::{
        prelude::*,
        sync::aref::ARef, //
    };

    /// Nothing: C must not look behind the socket for an inode.
    struct Empty;

    impl SockData for Empty {
        type OwnerModule = crate::RnetvirtKunit;
        const NAME: &'static CStr = c"rnetvirt_kunit";
    }

    fn sock(len: u32) -> Result<ARef<Sock<Empty>>> {
        Sock::new(len, Empty)
    }

    #[test]
    fn a_socket_may_have_no_data() -> Result {
        let sock = sock(4)?;
        assert_eq!(sock.ring().capacity(), 4);
        assert!(sock.is_queue_empty());
        assert!(sock.is_writable());
        Ok(())
    }

    #[test]
    fn a_ring_that_is_too_long_leaves_nothing_behind() {
        for len in [u32::MAX, i32::MAX as u32] {
            assert!(matches!(sock(len), Err(err) if err == ENOMEM));
        }
    }

    #[test]
    fn a_send_buffer_has_room_for_one_packet() -> Result {
        for bytes in [i32::MIN, -1, 0, 1] {
            let sock = sock(1)?;
            sock.set_sndbuf(bytes);
            let first = sock.alloc_frame(100, 0, true)?;
            let second = sock.alloc_frame(100, 0, true);
            assert!(matches!(second, Err(err) if err == EAGAIN));
            drop(first);
            drop(sock.alloc_frame(100, 0, true)?);
        }
        Ok(())
    }

    #[test]
    fn frames_have_a_length() -> Result {
        let sock = sock(1)?;
        for (len, wanted) in [(0, EINVAL), (13, EINVAL), (usize::MAX, EMSGSIZE)] {
            assert!(matches!(sock.alloc_frame(len, 0, true), Err(err) if err == wanted));
        }
        // However much is to be linear.
        for linear in [0, 14, 100, 4000, 65535, usize::MAX] {
            for len in [14, 100, 4000, 65535] {
                drop(sock.alloc_frame(len, linear, true)?);
            }
        }
        Ok(())
    }

    #[test]
    fn who_may_not_wait_does_not() -> Result {
        let sock = sock(1)?;
        assert!(matches!(sock.wait_for(true, || None::<()>), Err(err) if err == EAGAIN));
        assert_eq!(sock.wait_for(false, || Some(7))?, 7);
        sock.shut_down_send();
        assert!(matches!(sock.alloc_frame(100, 0, false), Err(err) if err == EPIPE));
        Ok(())
    }
}
