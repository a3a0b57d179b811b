//! The shape of the repository is part of the test suite.

#[test]
fn the_repository_is_tidy() {
    let findings = scripts::tidy::findings().expect("the repository can be read");
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}
