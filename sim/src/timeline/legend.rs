//! What shapes and colours mean, and which keys move the view.

use maud::{Markup, html};

/// How a sample is drawn: as the lanes draw it.
#[derive(Clone, Copy)]
enum Sample {
    Bar,
    Line,
    /// One of the shapes of `draw.js`.
    Shape,
}

/// How it is drawn, its style, its meaning.
type Entry = (Sample, &'static str, &'static str);

const GROUPS: &[(&str, &[Entry])] = &[
    (
        "node",
        &[
            (Sample::Bar, "up", "up"),
            (Sample::Bar, "starting", "recovering"),
            (Sample::Bar, "down", "down"),
            (Sample::Bar, "dark", "power lost"),
            (Sample::Bar, "paused", "paused"),
            (Sample::Shape, "boot", "starts"),
            (Sample::Shape, "stop", "stopped"),
            (Sample::Shape, "kill", "killed, gave up"),
            (Sample::Shape, "power", "loses power"),
            (Sample::Shape, "warning", "warning"),
            (Sample::Shape, "error", "error"),
        ],
    ),
    (
        "fault",
        &[
            (Sample::Bar, "struck", "had an effect"),
            (Sample::Bar, "idle", "struck without an effect"),
            (Sample::Bar, "missed", "missed"),
            (Sample::Bar, "refusal", "refused"),
        ],
    ),
    (
        "partition",
        &[
            (Sample::Line, "log-end", "log end"),
            (Sample::Line, "durable-end", "durable end"),
            (Sample::Line, "high-watermark", "high watermark"),
            (Sample::Line, "log-start", "log start"),
            (Sample::Line, "hit-offset", "offset of the violation"),
        ],
    ),
    (
        "every client",
        &[
            (Sample::Shape, "refused", "refused"),
            (Sample::Shape, "unknown", "no answer"),
            (Sample::Shape, "witness", "named by the violation"),
        ],
    ),
    ("producer", &[(Sample::Shape, "acked", "acknowledged")]),
    (
        "consumer, member",
        &[(Sample::Shape, "read", "read"), (Sample::Shape, "empty", "read nothing")],
    ),
    (
        "member",
        &[
            (Sample::Bar, "owned", "owns"),
            (Sample::Bar, "owned unheard", "without an answer for a session"),
            (Sample::Bar, "owns-nothing", "owns nothing"),
            (Sample::Bar, "owned contested", "owns what the violation is about"),
            (Sample::Shape, "told", "told what it owns"),
            (Sample::Shape, "left", "leaves, is gone"),
        ],
    ),
    ("member, tool", &[(Sample::Shape, "commit", "commit or deletion of an offset acknowledged")]),
    (
        "topics",
        &[(Sample::Shape, "created", "known"), (Sample::Shape, "changed", "changed, deleted")],
    ),
];

pub(super) fn legend() -> Markup {
    html! {
        details .legend open {
            summary { "legend" }
            @for (title, entries) in GROUPS {
                div .group {
                    b { (title) }
                    @for (sample, style, text) in *entries { (entry(*sample, style, text)) }
                }
            }
        }
    }
}

fn entry(sample: Sample, style: &str, text: &str) -> Markup {
    html! {
        span .entry {
            @match sample {
                Sample::Bar => i .swatch.(style) {},
                Sample::Line => svg .sample width="26" height="12" {
                    path .(style) d="M0 6H26" {}
                },
                Sample::Shape => svg .sample width="18" height="16" data-shape=(style) {},
            }
            (text)
        }
    }
}

/// The buttons above the chart and the keys that do the same.
pub(super) fn controls(has_claim: bool) -> Markup {
    html! {
        div #controls {
            button data-key="+" title="key +" { "zoom in" }
            button data-key="-" title="key -" { "zoom out" }
            button data-key="ArrowLeft" title="key ←" { "←" }
            button data-key="ArrowRight" title="key →" { "→" }
            button data-key="0" title="key 0" { "everything" }
            @if has_claim {
                button .bad data-key="v" title="key v; again: closer" { "go to the violation" }
            }
            span .hint {
                "Ctrl + wheel or + and −: zoom · drag, Shift + wheel or ← and →: move · "
                "double click or 0: everything"
                @if has_claim { " · v: the violation, again: closer" }
                " · hover: details"
            }
        }
    }
}
