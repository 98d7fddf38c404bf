//! Where is something? Addresses, workspaces, paths and their parameters.

use url::{Url, form_urlencoded};

use crate::{
    failure::{Done, Failure},
    terminal,
};

/// What deployments call it where there is no workspace.
pub(crate) const NO_WORKSPACE: &str = "default";

/// The parameters of a path.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(&'static str, String)>);

impl Query {
    /// With this parameter, where it has a value.
    #[must_use]
    pub(crate) fn and(mut self, name: &'static str, value: Option<String>) -> Self {
        self.0.extend(value.map(|value| (name, value)));
        self
    }

    /// Behind a path.
    pub(super) fn after(&self, path: &str) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish();
        format!("{path}?{query}")
    }
}

/// A name as a segment of a path.
pub(crate) fn segment(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

/// A name that can be a segment: these two would lead to another route, however they are written.
pub(crate) fn name(text: &str) -> Result<String, String> {
    match text {
        "" | "." | ".." => Err("this cannot be a name".to_owned()),
        name => Ok(name.to_owned()),
    }
}

/// The address to ask at. One with credentials is not repeated.
pub(super) fn base(url: &str) -> Done<Url> {
    let wrong = |why: &str| Failure::usage(format_args!("--url {why}"));
    let parsed =
        Url::parse(url).map_err(|_| wrong("is no address, such as http://localhost:8001"))?;
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("has credentials in it; EVENT_HOOKS_TOKEN is the place for a token"));
    }
    if !matches!(parsed.scheme(), "http" | "https") || parsed.cannot_be_a_base() {
        return Err(wrong("must begin with http:// or https://"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("ends with a path; what follows ? or # is for nothing"));
    }
    Ok(parsed)
}

/// The workspace to work in, where it is one. Its name goes into paths as it is.
pub(super) fn workspace(name: Option<&str>) -> Done<Option<String>> {
    let Some(name) = name.filter(|it| !it.is_empty() && *it != NO_WORKSPACE) else {
        return Ok(None);
    };
    let is_good = |it: char| it.is_ascii_alphanumeric() || "_.~-".contains(it);
    if name == "." || name == ".." || !name.chars().all(is_good) {
        let name = terminal::plain(name);
        return Err(Failure::usage(format_args!(
            "--workspace '{name}' is no name: letters, digits, _ . ~ - make one"
        )));
    }
    Ok(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_or_refused_without_being_repeated() {
        for (name, url, expected) in [
            ("with a slash", "http://localhost:8001/", Ok("http://localhost:8001/")),
            ("with a path", "https://a.example/prod/", Ok("https://a.example/prod/")),
            ("no address", "localhost", Err("--url is no address, such as http://localhost:8001")),
            ("another scheme", "localhost:8001", Err("--url must begin with http:// or https://")),
            (
                "with credentials",
                "http://me:s3cr3t@a.example",
                Err("--url has credentials in it; EVENT_HOOKS_TOKEN is the place for a token"),
            ),
            (
                "with a query",
                "http://a.example/?x",
                Err("--url ends with a path; what follows ? or # is for nothing"),
            ),
        ] {
            let found = base(url).map(String::from).map_err(|it| it.summary());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{name}");
        }
    }

    #[test]
    fn a_name_in_a_path_stays_one_segment() {
        assert_eq!(segment("dao:crud/a b?"), "dao%3Acrud%2Fa%20b%3F");
    }

    #[test]
    fn a_workspace_is_one_or_none_or_no_name() {
        let one = |name: &str| Ok(Some(name.to_owned()));
        for (name, said, expected) in [
            ("nothing is said", None, Ok(None)),
            ("an empty variable", Some(""), Ok(None)),
            ("what deployments call none", Some("default"), Ok(None)),
            ("a name", Some("team-1.a~b_C"), one("team-1.a~b_C")),
            ("two segments", Some("a/b"), Err(())),
            ("a segment upwards", Some(".."), Err(())),
            ("a parameter", Some("a?b"), Err(())),
        ] {
            assert_eq!(workspace(said).map_err(drop), expected, "{name}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for (text, is_name) in [("crud", true), ("dao:crud", true), ("..", false), (".", false)] {
            assert_eq!(name(text).is_ok(), is_name, "{text}");
        }
    }
}
