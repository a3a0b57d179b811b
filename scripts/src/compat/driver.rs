//! One running driver: a step as a line of JSON in, its answer as a line out.

use super::clients::{self, Client, Program};
use crate::process::Background;
use crate::{Doing, Failed, Outcome};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The slowest honest step is the first one of a JVM on a busy machine.
const STEP_PATIENCE: Duration = Duration::from_secs(60);

/// What a driver answers to a step.
pub(crate) enum Answer {
    Done(Value),
    /// The client has no such call.
    Unsupported(String),
}

/// A started driver; killed when dropped.
pub(crate) struct Driver {
    process: Background,
    answers: Receiver<String>,
}

impl Driver {
    pub(crate) fn start(program: &Program, client: &Client, bootstrap: &str) -> Outcome<Driver> {
        let mut command = Command::new(&program.command[0]);
        command
            .args(&program.command[1..])
            .args([client.name, bootstrap])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = Background::start(&mut command)?;
        let output = process.child().stdout.take();
        let output = output.ok_or_else(|| Failed("a driver without output".to_string()))?;
        let (sender, answers) = channel();
        // Ends with the driver's output; the channel holds one answer at a time, since steps do.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if line.starts_with('{') && sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Driver { process, answers })
    }

    /// Starts the client that stands in for others.
    pub(crate) fn stand_in(bootstrap: &str) -> Outcome<Driver> {
        Driver::start(&clients::install(clients::STAND_IN.language)?, clients::STAND_IN, bootstrap)
    }

    /// Sends a step without waiting for its answer.
    pub(crate) fn begin(&mut self, step: &Value) -> Outcome {
        let input = self.process.child().stdin.as_mut();
        let input = input.ok_or_else(|| Failed("a driver without input".to_string()))?;
        writeln!(input, "{step}").and_then(|()| input.flush()).doing(|| "driver ended".to_string())
    }

    /// Whether the answer of the step in progress has arrived, taken if so.
    pub(crate) fn finish(&mut self) -> Outcome<Answer> {
        let line = self
            .answers
            .recv_timeout(STEP_PATIENCE)
            .map_err(|error| Failed(format!("no answer from the driver ({error})")))?;
        let answer: Value = serde_json::from_str(&line).doing(|| line.clone())?;
        if let Some(reason) = answer["unsupported"].as_str() {
            return Ok(Answer::Unsupported(reason.to_string()));
        }
        if answer["ok"].as_bool() == Some(true) {
            return Ok(Answer::Done(answer));
        }
        let error = answer["error"].as_str().unwrap_or(&line);
        Err(Failed(error.lines().next().unwrap_or_default().to_string()))
    }

    /// A step that the client must have.
    pub(crate) fn demand(&mut self, step: &Value) -> Outcome<Value> {
        self.begin(step)?;
        self.demand_finish()
    }

    /// The answer of a step that the client must have.
    pub(crate) fn demand_finish(&mut self) -> Outcome<Value> {
        match self.finish()? {
            Answer::Done(value) => Ok(value),
            Answer::Unsupported(reason) => Err(Failed(reason)),
        }
    }

    /// Kills the process without warning.
    pub(crate) fn kill(self) -> Outcome {
        self.process.kill()
    }

    pub(crate) fn step(&mut self, step: &Value) -> Outcome<Answer> {
        self.begin(step)?;
        self.finish()
    }
}
