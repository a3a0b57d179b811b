//! Result schema, charts, and HTML, Markdown and terminal rendering.
