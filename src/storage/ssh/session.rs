//! An SFTP session over an `ssh` process, for one file after the other.

use std::process::Stdio;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::address::SshHost;
use super::packet::{self, Attributes, Extensions, SftpRequest, SftpResponse};
use crate::storage::{Result, StorageError, StorageErrorKind};

/// Program that logs in and encrypts.
const PROGRAM: &str = "ssh";
/// Timeout for a response of the host.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// Timeout for writing a file to the host's disk.
const SYNC_TIMEOUT: Duration = Duration::from_secs(600);
/// Maximum number of bytes read from the program's standard error.
const WORDS: u64 = 16 * 1024;
const BUFFER: usize = 128 * 1024;

/// Batch mode, no local commands, no forwarding; keep-alives detect dead hosts.
const OPTIONS: [&str; 8] = [
    "-oBatchMode=yes",
    "-oForwardX11=no",
    "-oForwardAgent=no",
    "-oPermitLocalCommand=no",
    "-oClearAllForwardings=yes",
    "-oConnectTimeout=30",
    "-oServerAliveInterval=15",
    "-oLogLevel=ERROR",
];

/// A running `ssh` process with the SFTP subsystem. Killed on drop.
pub(super) struct Session {
    host: SshHost,
    /// `None` in tests without a process.
    process: Option<Child>,
    stdin: Box<dyn AsyncWrite + Send + Unpin>,
    stdout: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    last_id: u32,
    waiting: BytesMut,
    extensions: Extensions,
    /// Number of requests without a response.
    unanswered: usize,
}

impl Session {
    /// Logs in. Errors: the program is missing; otherwise its message.
    pub(super) async fn start(host: &SshHost) -> Result<Self> {
        let mut process = command(host).spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                StorageError::new(StorageErrorKind::Unsupported, "ssh is not installed (Debian: openssh-client)")
            }
            _ => error.into(),
        })?;
        let (Some(stdin), Some(stdout)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(StorageError::new(StorageErrorKind::Refused, "ssh has no input or output"));
        };
        let session = Self::over(host.clone(), Some(process), Box::new(stdin), Box::new(stdout));
        session.handshake().await
    }

    fn over(
        host: SshHost,
        process: Option<Child>,
        stdin: Box<dyn AsyncWrite + Send + Unpin>,
        stdout: Box<dyn AsyncRead + Send + Unpin>,
    ) -> Self {
        let stdout = BufReader::with_capacity(BUFFER, stdout);
        let (waiting, extensions) = (BytesMut::new(), Extensions::default());
        Self { host, process, stdin, stdout, last_id: 0, waiting, extensions, unanswered: 0 }
    }

    /// Creates a session over a given stream.
    #[cfg(test)]
    pub(super) fn with(stream: tokio::io::DuplexStream) -> Self {
        let (stdout, stdin) = tokio::io::split(stream);
        let host = SshHost { user: None, name: "h".to_owned(), port: 22 };
        Self::over(host, None, Box::new(stdin), Box::new(stdout))
    }

    /// Creates a session with an SFTP server that runs here as a program of its own.
    #[cfg(test)]
    pub(super) async fn with_local_server() -> Self {
        let servers = ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server"];
        let server = servers.into_iter().find(|path| std::path::Path::new(path).exists());
        let server = server.expect("sftp-server is not installed (Debian: openssh-sftp-server)");
        let mut process =
            Command::new(server).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let (stdin, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let host = SshHost { user: None, name: "h".to_owned(), port: 22 };
        Self::over(host, Some(process), Box::new(stdin), Box::new(stdout)).handshake().await.unwrap()
    }

    /// Forgets the extensions of the server.
    #[cfg(test)]
    pub(super) fn without_extensions(mut self) -> Self {
        self.extensions = Extensions::default();
        self
    }

    #[cfg(test)]
    pub(super) fn host(&self) -> &SshHost {
        &self.host
    }

    async fn handshake(mut self) -> Result<Self> {
        self.queue_request(SftpRequest::Hello);
        self.send().await?;
        match self.next_response().await?.1 {
            SftpResponse::Version(extensions) => Ok(Self { extensions, ..self }),
            other => Err(other.failure()),
        }
    }

    /// Returns whether the host has answered all requests, so that the session can be used for another file.
    pub(super) fn is_idle(&self) -> bool {
        self.unanswered == 0
    }

    /// Returns whether the process has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| !matches!(process.try_wait(), Ok(None)))
    }

    /// Opens a file for reading. Returns its handle.
    pub(super) async fn open(&mut self, path: &str) -> Result<Bytes> {
        match self.exchange(SftpRequest::Open { path }).await? {
            SftpResponse::Handle(handle) => Ok(handle),
            other => Err(other.failure()),
        }
    }

    /// Creates or truncates a file and opens it for writing. Returns its handle.
    pub(super) async fn create(&mut self, path: &str, mode: u32) -> Result<Bytes> {
        match self.exchange(SftpRequest::Create { path, mode }).await? {
            SftpResponse::Handle(handle) => Ok(handle),
            other => Err(other.rejection()),
        }
    }

    /// Queries the attributes of an open file.
    pub(super) async fn attributes(&mut self, handle: &[u8]) -> Result<Attributes> {
        match self.exchange(SftpRequest::Stat { handle }).await? {
            SftpResponse::Attributes(attributes) => Ok(attributes),
            other => Err(other.failure()),
        }
    }

    /// Returns whether a file or folder of this name exists.
    pub(super) async fn exists(&mut self, path: &str) -> Result<bool> {
        match self.exchange(SftpRequest::StatName { path }).await? {
            SftpResponse::Attributes(_) => Ok(true),
            other => match other.failure() {
                error if error.kind == StorageErrorKind::NotFound => Ok(false),
                error => Err(error),
            },
        }
    }

    /// Flushes a file to disk, if the server can.
    pub(super) async fn sync(&mut self, handle: &[u8]) -> Result<()> {
        if !self.extensions.sync {
            return Ok(());
        }
        self.exchange_within(SYNC_TIMEOUT, SftpRequest::Sync { handle }).await?.done()
    }

    /// Closes a file; then the session can be used for the next one.
    pub(super) async fn close(&mut self, handle: &[u8]) -> Result<()> {
        self.exchange(SftpRequest::Close { handle }).await?.done()
    }

    /// Creates a hard link. Returns `false` if the server cannot.
    pub(super) async fn link(&mut self, from: &str, to: &str) -> Result<bool> {
        if !self.extensions.hard_link {
            return Ok(false);
        }
        self.exchange(SftpRequest::Link { from, to }).await?.done().map(|()| true)
    }

    /// Renames a file; fails if the new name exists.
    pub(super) async fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        self.exchange(SftpRequest::Rename { from, to }).await?.done()
    }

    /// Deletes a file.
    pub(super) async fn remove(&mut self, path: &str) -> Result<()> {
        self.exchange(SftpRequest::Remove { path }).await?.done()
    }

    /// Creates a folder; fails if the name exists.
    pub(super) async fn make_folder(&mut self, path: &str) -> Result<()> {
        self.exchange(SftpRequest::MakeFolder { path }).await?.done()
    }

    /// Deletes an empty folder.
    pub(super) async fn remove_folder(&mut self, path: &str) -> Result<()> {
        self.exchange(SftpRequest::RemoveFolder { path }).await?.done()
    }

    /// Queues a request, to be sent with [`Session::send`]. Returns its id.
    pub(super) fn queue_request(&mut self, question: SftpRequest<'_>) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.unanswered += 1;
        question.write(self.last_id, &mut self.waiting);
        self.last_id
    }

    /// Sends the queued requests.
    pub(super) async fn send(&mut self) -> Result<()> {
        let sent = match self.stdin.write_all(&self.waiting).await {
            Ok(()) => self.stdin.flush().await,
            failed => failed,
        };
        self.waiting.clear();
        match sent {
            Ok(()) => Ok(()),
            // The process has ended; its error output gives the reason.
            Err(_) => Err(self.exit_error().await),
        }
    }

    /// Returns the next response with the id of its request.
    pub(super) async fn next_response(&mut self) -> Result<(u32, SftpResponse)> {
        self.next_response_within(RESPONSE_TIMEOUT).await
    }

    async fn next_response_within(&mut self, timeout: Duration) -> Result<(u32, SftpResponse)> {
        match tokio::time::timeout(timeout, packet::read(&mut self.stdout)).await {
            Ok(Ok(Some(answer))) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                Ok(answer)
            }
            Ok(Ok(None)) => Err(self.exit_error().await),
            Ok(Err(error)) => Err(StorageError::new(StorageErrorKind::Transient, format!("sftp: {error}"))),
            Err(_) => Err(StorageError::new(StorageErrorKind::TimedOut, "sftp: the host did not answer in time")),
        }
    }

    async fn exchange(&mut self, question: SftpRequest<'_>) -> Result<SftpResponse> {
        self.exchange_within(RESPONSE_TIMEOUT, question).await
    }

    async fn exchange_within(&mut self, timeout: Duration, question: SftpRequest<'_>) -> Result<SftpResponse> {
        self.queue_request(question);
        self.send().await?;
        Ok(self.next_response_within(timeout).await?.1)
    }

    /// Returns the reason why the process ended, from its error output.
    async fn exit_error(&mut self) -> StorageError {
        let mut message = String::new();
        if let Some(stderr) = self.process.as_mut().and_then(|process| process.stderr.take()) {
            // Another process may keep its standard error open: read it with a timeout.
            let reading = async { stderr.take(WORDS).read_to_string(&mut message).await };
            let _ = tokio::time::timeout(Duration::from_secs(5), reading).await;
        }
        failure(&self.host, message.trim())
    }
}

fn command(host: &SshHost) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(OPTIONS).args(["-p", &host.port.to_string()]);
    if let Some(user) = &host.user {
        command.args(["-l", user]);
    }
    command.args(["-s", "--", &host.name, "sftp"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session at {:?}", self.host)
    }
}

/// Maps the error output of ssh to an error kind with advice.
fn failure(host: &SshHost, message: &str) -> StorageError {
    let has = |part: &str| message.contains(part);
    let login = login(host);
    let (kind, advice) = if has("Host key verification failed") || has("HOST IDENTIFICATION HAS CHANGED") {
        let advice = format!("; look whether it is the right host, and take its key once with: {login}");
        (StorageErrorKind::Refused, advice)
    } else if has("Permission denied") || has("Too many authentication failures") {
        (StorageErrorKind::Denied, format!("; load your key with ssh-add, and try it with: {login}"))
    } else if has("subsystem request failed") {
        (StorageErrorKind::Refused, "; the host does not offer sftp".to_owned())
    } else {
        (StorageErrorKind::Transient, String::new())
    };
    let said = message.lines().rfind(|line| !line.trim().is_empty()).map_or("ended without a message", str::trim);
    StorageError::new(kind, format!("ssh: {said}{advice}"))
}

/// Returns the command to log in to this host.
fn login(host: &SshHost) -> String {
    let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
    format!("ssh -p {} {user}{}", host.port, host.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> SshHost {
        SshHost { user: Some("me".to_owned()), name: "h".to_owned(), port: 2222 }
    }

    #[test]
    fn ssh_messages_are_classified() {
        for (message, kind, part) in [
            ("Host key verification failed.", StorageErrorKind::Refused, "ssh -p 2222 me@h"),
            ("me@h: Permission denied (publickey).", StorageErrorKind::Denied, "ssh-add"),
            ("subsystem request failed on channel 0", StorageErrorKind::Refused, "does not offer sftp"),
            ("ssh: connect to host h port 2222: Connection refused", StorageErrorKind::Transient, "Connection refused"),
            ("ssh: Could not resolve hostname h: Name or service not known", StorageErrorKind::Transient, "resolve"),
            ("", StorageErrorKind::Transient, "without a message"),
        ] {
            let error = failure(&host(), message);
            assert!(error.kind == kind && error.message.contains(part), "{message}: {error:?}");
        }
    }

    #[test]
    fn ssh_host_is_no_option_and_there_is_no_shell() {
        let command = command(&host());
        let arguments: Vec<_> = command.as_std().get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(arguments[OPTIONS.len()..], ["-p", "2222", "-l", "me", "-s", "--", "h", "sftp"]);
    }
}
