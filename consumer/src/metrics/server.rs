use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use millrace_core::{Error, Result};

/// How long one who asks may take.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// A request's head is not longer.
const MOST: usize = 8_192;

/// Answers `GET /metrics` on a thread of its own, until it is dropped.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    page: Mutex<String>,
    ends: AtomicBool,
}

impl Server {
    /// Listens at an address.
    ///
    /// # Errors
    /// When the address is taken, or none of this machine.
    pub fn start(address: &str) -> Result<Self> {
        let refuse = |e| {
            Error::failed(format!(
                "metrics cannot be served at {address}: {e}; give --metrics-listen another"
            ))
        };
        let listener = TcpListener::bind(address).map_err(refuse)?;
        // Looked at now and then, so that the end of the run is seen.
        listener.set_nonblocking(true).map_err(refuse)?;
        let (address, shared) = (listener.local_addr().map_err(refuse)?, Arc::<Shared>::default());
        let own = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("metrics".into()).spawn(move || serve(&listener, &own));
        Ok(Self { address, shared, thread: Some(thread.map_err(refuse)?) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is answered from now on.
    pub fn show(&self, page: String) {
        *self.shared.page.lock().unwrap_or_else(PoisonError::into_inner) = page;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Shared) {
    while !shared.ends.load(Ordering::Relaxed) {
        match listener.accept() {
            // Whoever breaks off asks again.
            Ok((stream, _)) => drop(answer(stream, shared)),
            Err(_) => std::thread::sleep(BETWEEN_LOOKS),
        }
    }
}

fn answer(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let line = first_line(&mut stream)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => {
            ("200 OK", shared.page.lock().unwrap_or_else(PoisonError::into_inner).clone())
        }
        ("GET" | "HEAD", _) => ("404 Not Found", "metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "metrics are only read\n".to_owned()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    if method == "HEAD" { Ok(()) } else { stream.write_all(body.as_bytes()) }
}

/// Reads to the end of the head, for an answer that comes before it may be lost.
fn first_line(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut part) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < MOST {
        match stream.read(&mut part)? {
            0 => break,
            more => head.extend_from_slice(&part[..more]),
        }
    }
    Ok(String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(server: &Server, request: &str) -> String {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it hears");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    #[test]
    fn metrics_are_read_at_their_path_only() {
        let server = Server::start("127.0.0.1:0").expect("a port");
        server.show("a 1\n".into());
        let answer = ask(&server, "GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\na 1\n"), "{answer}");
        server.show("a 2\n".into());
        assert!(ask(&server, "GET /metrics?all HTTP/1.0\r\n\r\n").ends_with("a 2\n"));
        assert!(ask(&server, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
        assert!(ask(&server, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
        assert!(ask(&server, &"x".repeat(MOST)).starts_with("HTTP/1.1 405 "));
    }

    #[test]
    fn a_port_that_is_taken_is_named_and_one_that_ended_is_free() {
        let first = Server::start("127.0.0.1:0").expect("a port");
        let address = first.address().to_string();
        let refusal = Server::start(&address).err().expect("taken").to_string();
        assert!(refusal.starts_with(&format!("metrics cannot be served at {address}: ")), "{refusal}");
        drop(first);
        Server::start(&address).expect("free again");
    }
}
