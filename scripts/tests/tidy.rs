//! The shape of the repository is part of the test suite.

#[test]
fn the_repository_is_tidy() {
    let findings = scripts::tidy::findings().expect("the repository can be read");
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}

#[test]
fn the_generated_code_is_what_its_schemas_give() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_scripts"))
        .args(["codegen", "--check"])
        .output()
        .expect("our own binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
