//! What you are logged in as.
