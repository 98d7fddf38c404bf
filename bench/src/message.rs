//! Where does a message of HTTP/1.1 end? No more than that: who measures must not be what is
//! measured.

use memchr::memmem;

/// A request or an answer, complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    /// The first line and the headers.
    pub(crate) head: &'a str,
    /// What follows them.
    pub(crate) body: &'a [u8],
    /// How many bytes it takes in all.
    pub(crate) length: usize,
}

impl<'a> Message<'a> {
    /// The first message of these bytes, once all of it is there. A body has the length that the
    /// head says; nobody here sends chunks.
    pub(crate) fn of(bytes: &'a [u8]) -> Option<Self> {
        let end = memmem::find(bytes, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let begin = end + 4;
        let length = header(head, "content-length").map_or(Some(0), |it| it.parse().ok())?;
        let body = bytes.get(begin..begin + length)?;
        Some(Self { head, body, length: begin + length })
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        header(self.head, name)
    }

    /// The status of an answer; 0 for what is none.
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or(0)
    }

    /// The path of a request, with its query.
    pub(crate) fn path(&self) -> &'a str {
        self.head.split(' ').nth(1).unwrap_or("/")
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.split("\r\n").skip(1);
    let mut pairs = lines.filter_map(|line| line.split_once(':'));
    pairs.find(|(it, _)| it.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_ends_where_its_head_says() {
        for (name, bytes, expected) in [
            ("nothing", "", None),
            ("half a head", "POST / HTTP/1.1\r\ncontent-le", None),
            ("half a body", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab", None),
            ("all of it", "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", Some((3, 41))),
            ("and more", "POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabcPOST", Some((3, 40))),
            ("without a body", "GET / HTTP/1.1\r\nhost: a\r\n\r\n", Some((0, 27))),
        ] {
            let found = Message::of(bytes.as_bytes()).map(|it| (it.body.len(), it.length));
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_first_line_says_status_or_path() {
        let answer = Message::of(b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n\r\n").unwrap();
        assert_eq!((answer.status(), answer.header("retry-after")), (429, Some("7")));
        let request = Message::of(b"POST /take/a?after=1 HTTP/1.1\r\n\r\n").unwrap();
        assert_eq!((request.path(), request.status()), ("/take/a?after=1", 0));
    }
}
