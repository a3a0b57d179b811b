fn main() -> std::process::ExitCode {
    node::main_from_args(std::env::args_os().collect())
}
