//! The process that everything is in, for tests that start it.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The binary `event-hooks`, built once, as it stands in the work tree, beside the test that asks.
pub fn event_hooks() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let deps = env::current_exe().expect("a test is a file");
        let profile = deps.parent().and_then(Path::parent).expect("target/PROFILE/deps");
        let mut build = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        build.args(["build", "--quiet", "--offline", "--package", "local", "--target-dir"]);
        build.arg(profile.parent().expect("the target folder"));
        if profile.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells a test of its package would make build scripts believe that something
        // has changed, and most of the house would be built again.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_") && !matches!(&*name, "CARGO_HOME" | "CARGO_BUILD_JOBS") {
                build.env_remove(&*name);
            }
        }
        let built = build.status().expect("cargo runs these tests");
        assert!(built.success(), "event-hooks does not build");
        profile.join("event-hooks")
    })
}
