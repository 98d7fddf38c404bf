//! Does a host's name mean the same thing everywhere?

/// What is to be expected of a name before it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is looked up in the DNS and means the same thing to everybody.
    Public,
    /// It means this machine, whatever a resolver says (RFC 6761).
    Loopback,
    /// What it means depends on where one asks: hosts files, search lists, multicast.
    Inner,
    /// It is no name: one of its labels is empty.
    Malformed,
}

/// Endings that only inner networks know: RFC 6762 with its appendix G, RFC 8375, and the names
/// that distributions and Lambda's sandbox put into hosts files. Among them is
/// `metadata.google.internal`, where Google Cloud hands out credentials.
const INNER: [&str; 10] = [
    "local",
    "localdomain",
    "localdomain6",
    "internal",
    "intranet",
    "private",
    "corp",
    "home",
    "lan",
    "home.arpa",
];

/// What kind of name this is; the URL standard has put it into lower case already.
pub(super) fn kind_of(name: &str) -> Kind {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.split('.').any(str::is_empty) {
        Kind::Malformed
    } else if ends_in(name, "localhost") {
        Kind::Loopback
    } else if !name.contains('.') || INNER.iter().any(|ending| ends_in(name, ending)) {
        Kind::Inner
    } else {
        Kind::Public
    }
}

fn ends_in(name: &str, ending: &str) -> bool {
    name.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_public_unless_it_depends_on_where_one_asks() {
        for (name, expected) in [
            ("example.com", Kind::Public),
            ("example.com.", Kind::Public),
            ("localhost.example.com", Kind::Public),
            ("notlocalhost.com", Kind::Public),
            ("mylocal.dev", Kind::Public),
            ("localhost", Kind::Loopback),
            ("localhost.", Kind::Loopback),
            ("a.b.localhost", Kind::Loopback),
            ("intranet", Kind::Inner),
            ("notlocalhost", Kind::Inner),
            ("printer.local", Kind::Inner),
            ("metadata.google.internal.", Kind::Inner),
            ("db.home.arpa", Kind::Inner),
            ("a..example.com", Kind::Malformed),
            (".example.com", Kind::Malformed),
            ("example.com..", Kind::Malformed),
            ("", Kind::Malformed),
        ] {
            assert_eq!(kind_of(name), expected, "{name}");
        }
    }
}
