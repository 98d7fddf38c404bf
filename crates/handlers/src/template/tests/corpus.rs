//! What fuzzing found worth keeping, tried again.

use std::{fs, path::Path};

use super::anything;

#[test]
fn what_was_fuzzed_once_still_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/template");
    let mut inputs = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        anything::holds(&String::from_utf8_lossy(&input));
        inputs += 1;
    }
    assert!(inputs >= 40, "{} is the corpus", folder.display());
}
