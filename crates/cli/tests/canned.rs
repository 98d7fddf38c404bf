//! A server that answers what it is told to, for what the real one does not do on demand: to be
//! busy, to be somebody else, to speak TLS.

use std::{
    io::{BufRead as _, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned, crypto::ring};

/// Gives one answer after another, the last one for ever, each on a connection of its own.
pub(crate) struct Canned {
    pub(crate) url: String,
    /// What was asked: the request lines, headers and bodies.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Canned {
    /// Answers are a status with reason, headers, and a body. One without a status never comes.
    pub(crate) fn new(answers: &[(&str, &str, &str)]) -> Self {
        Self::start("http", answers, Ok)
    }

    /// The same over TLS, with this certificate for `localhost` and its key.
    pub(crate) fn with_tls(
        certified: &rcgen::CertifiedKey<rcgen::KeyPair>,
        answers: &[(&str, &str, &str)],
    ) -> Self {
        let key = certified.signing_key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key);
        let config = Arc::new(config.unwrap());
        let mut server = Self::start("https", answers, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, stream);
            // Who does not trust the certificate goes away at once.
            stream.flush().map(|()| stream)
        });
        server.url = server.url.replace("127.0.0.1", "localhost");
        server
    }

    fn start<S: Read + Write>(
        scheme: &str,
        answers: &[(&str, &str, &str)],
        open: impl Fn(TcpStream) -> std::io::Result<S> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (log, mut answers) = (Arc::clone(&asked), own(answers));
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = open(stream.unwrap()) else { continue };
                log.lock().unwrap().push(request(&mut stream));
                let answer = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
                if answer.starts_with("HTTP/1.1 \r") {
                    unanswered.push(stream);
                    continue;
                }
                let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
            }
        });
        Self { url, asked }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn own(answers: &[(&str, &str, &str)]) -> Vec<String> {
    let text = |(status, headers, body): &(&str, &str, &str)| {
        let length = body.len();
        format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
        )
    };
    answers.iter().map(text).collect()
}

fn request(stream: &mut impl Read) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
    }
    let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |it| it.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}
