//! The conformance suite: what every vendor must do, tested the same way for all of them.
