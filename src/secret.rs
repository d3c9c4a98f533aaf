//! A text that is never printed (stub, replaced by config branch).
/// A secret.
#[derive(Clone)]
pub struct Secret(String);
impl Secret {
    /// New.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}
