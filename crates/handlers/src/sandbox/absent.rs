//! What do scripts for the gateway use that is not here?

/// What Lua, `LuaJIT` or the gateway have and a hook has not.
const ABSENT: &[&str] = &[
    "coroutine.close",
    "coroutine.isyieldable",
    "collectgarbage",
    "debug",
    "dofile",
    "ffi",
    "getfenv",
    "getmetatable",
    "io.close",
    "io.lines",
    "io.open",
    "io.output",
    "io.popen",
    "io.read",
    "io.stderr",
    "io.stdout",
    "io.tmpfile",
    "io.write",
    "jit.off",
    "jit.on",
    "kong.cache",
    "kong.cluster_events",
    "kong.db",
    "kong.dns",
    "kong.licensing",
    "kong.vault",
    "kong.websocket",
    "kong.worker_events",
    "load",
    "loadfile",
    "loadstring",
    "math.randomseed",
    "module",
    "newproxy",
    "ngx.location",
    "ngx.shared",
    "ngx.socket",
    "ngx.ssl",
    "ngx.thread",
    "ngx.timer",
    "os.execute",
    "os.exit",
    "os.getenv",
    "os.remove",
    "os.rename",
    "os.setlocale",
    "os.tmpname",
    "package",
    "rawequal",
    "rawget",
    "rawlen",
    "rawset",
    "setfenv",
    "setmetatable",
    "string.dump",
    "utf8",
    "_G",
    "arg",
];

/// The first of them that a line of source names.
pub(super) fn named_in(line: &str) -> Option<&'static str> {
    ABSENT.iter().copied().find(|name| names(line, name))
}

fn names(line: &str, name: &str) -> bool {
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(|it| is_part(it) || it == '.' || it == ':')
            && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_whole_name() {
        for (name, line, expected) in [
            ("alone", "load('x')", Some("load")),
            ("with a dot in it", "return os.exit(1)", Some("os.exit")),
            ("the beginning of another", "loaded()", None),
            ("the end of another", "reload()", None),
            ("a member of something", "mine.load()", None),
            ("a method", "mine:load()", None),
            ("none", "return 1", None),
            ("nothing", "", None),
        ] {
            assert_eq!(named_in(line), expected, "{name}");
        }
    }
}
