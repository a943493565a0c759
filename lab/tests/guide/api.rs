//! A web API that takes readings and counts them.

use std::io::Result;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

/// The server, at `/api/data`; it ends with the process.
pub struct Api {
    pub address: SocketAddr,
    taken: Arc<AtomicU64>,
}

impl Api {
    pub fn start() -> Result<Self> {
        let taken = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&taken);
        let take = move |Json(body): Json<Value>| async move {
            counter.fetch_add(readings(&body), Ordering::Relaxed);
        };
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let router = Router::new().route("/api/data", post(take));
        std::thread::spawn(move || serve(listener, router));
        Ok(Self { address, taken })
    }

    /// How many readings have come so far.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

/// How many readings a body has: an object is one, an array as many as it holds.
fn readings(body: &Value) -> u64 {
    let is_reading = |value: &&Value| value["machine_id"].is_string() && value.get("temperature").is_some();
    let all = body.as_array().map_or(std::slice::from_ref(body), Vec::as_slice);
    all.iter().filter(is_reading).count() as u64
}

fn serve(listener: TcpListener, router: Router) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        axum::serve(listener, router).await.expect("served");
    });
}
