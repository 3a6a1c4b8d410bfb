//! Sockets of the service manager are taken over, and it is told when we are ready.

use crate::server::{PROGRAM, free_port, message, send};
use rustix::io::{FdFlags, fcntl_setfd};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// As systemd hands one over: number 3, counted and meant for this process (sd_listen_fds(3)). dash knows no numbers of two digits, bash does.
const HANDED: &str = "exec 3<&$FD; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\"";

#[test]
fn a_socket_that_was_handed_over_is_used_and_connections_before_the_start_wait() {
    let data = TempDir::new().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address: SocketAddr = listener.local_addr().expect("its address");
    let settings = format!(
        "[listen]\nsmtp = [\"{address}\", \"127.0.0.1:{}\"]\nweb = \"\"\nstatus = \"\"\n[dns]\nservers = \"off\"\n\
         [[organisation]]\nname = \"shop\"\nconnector = \"box\"\n[[connector]]\nname = \"box\"\nprotocol = \"folder\"\nfolder = \"{}\"\n\
         [[domain]]\nname = \"shop.example\"\nrecipients = \"any\"\n",
        free_port(),
        data.path().join("boxes").display()
    );
    let file = data.path().join("gatepost.toml");
    std::fs::write(&file, settings).expect("settings are written");
    let heard = UnixDatagram::bind(data.path().join("notify")).expect("a socket");
    heard.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    // Somebody is there before the service is.
    let early = std::thread::spawn(move || {
        send(address, "ann@partner.example", "li@shop.example", &message("Early", "ann@partner.example", "First in line."))
            .expect("a reply")
    });
    fcntl_setfd(&listener, FdFlags::empty()).expect("it is inherited");
    let mut child = Command::new("bash")
        .args(["-c", HANDED, PROGRAM, "serve", "--config"])
        .arg(&file)
        .arg("--data")
        .arg(data.path().join("data"))
        .env("FD", listener.as_raw_fd().to_string())
        .env("NOTIFY_SOCKET", data.path().join("notify"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    drop(listener);
    let mut said = [0; 256];
    let length = heard.recv(&mut said).expect("it says that it is ready");
    assert_eq!(String::from_utf8_lossy(&said[..length]).trim(), "READY=1");
    let reply = early.join().expect("a sender does not panic");
    assert!(reply.starts_with("250"), "{reply}");
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(told.success());
    let length = heard.recv(&mut said).expect("it says that it stops");
    assert_eq!(String::from_utf8_lossy(&said[..length]).trim(), "STOPPING=1");
    assert!(child.wait().expect("it ends").success());
}
