//! Free TCP ports, on the loopback unless another address is asked for.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, TcpListener};

use millrace_core::{Error, Result};

/// Below the range that systems hand out to outgoing connections, so that a port found free here
/// is still free seconds later, and after a broker was killed and comes back.
const QUIET: std::ops::Range<u16> = 20_000..32_000;

/// A listener on 127.0.0.1 at `preferred` when that is free (0: no preference), else at any free port.
///
/// # Errors
/// When no port is free.
pub fn listen(preferred: u16) -> Result<TcpListener> {
    listen_on(Ipv4Addr::LOCALHOST.into(), preferred)
}

/// The same on another address of this machine.
///
/// # Errors
/// When no port is free there, or the address is another machine's.
pub fn listen_on(host: IpAddr, preferred: u16) -> Result<TcpListener> {
    let start = u16::try_from(RandomState::new().hash_one(0) % QUIET.len() as u64).unwrap_or(0);
    let quiet = (0..QUIET.end - QUIET.start).map(|i| QUIET.start + (start + i) % (QUIET.end - QUIET.start));
    std::iter::once(preferred)
        .filter(|port| *port != 0)
        .chain(quiet)
        .find_map(|port| TcpListener::bind((host, port)).ok())
        .ok_or_else(|| nothing_free(host))
}

fn nothing_free(host: IpAddr) -> Error {
    match TcpListener::bind((host, 0)) {
        Err(e) => Error::failed(format!("cannot listen on {host}: {e}; name an address of this machine")),
        Ok(_) => Error::failed(format!("no port from 20000 to 31999 is free on {host}; end what holds them")),
    }
}

/// `count` listeners as [`listen`] gives them, the first at `preferred`, the next at the ports after it.
///
/// # Errors
/// When no port is free.
pub fn listen_in_a_row(preferred: u16, count: usize) -> Result<Vec<TcpListener>> {
    let next = |i: usize| if preferred == 0 { 0 } else { preferred.saturating_add(i as u16) };
    (0..count).map(|i| listen(next(i))).collect()
}

/// The port of a listener.
///
/// # Errors
/// When the system does not tell.
pub fn of(listener: &TcpListener) -> Result<u16> {
    let address = listener.local_addr();
    address.map(|a| a.port()).map_err(|e| Error::failed(format!("cannot tell the port of a socket: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_passed_over() {
        let first = listen(0).expect("a port");
        let taken = of(&first).expect("its number");
        let second = listen(taken).expect("another port");
        assert_ne!(of(&second).expect("its number"), taken);
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        // Reserved for documentation, so nobody has it.
        let sentence = listen_on([192, 0, 2, 1].into(), 0).expect_err("refused").to_string();
        assert!(sentence.contains("cannot listen on 192.0.2.1"), "{sentence}");
    }

    #[test]
    fn a_free_port_is_taken_as_preferred() {
        let free = of(&listen(0).expect("a port")).expect("its number");
        assert_eq!(of(&listen(free).expect("the same")).expect("its number"), free);
    }
}
